/**
 * External input URLs, which the GPU worker fetches. The query often contains a signature, so only origin and path are
 * shown. The worker checks the addresses that the name resolves to.
 */
import type { JobRequest } from '../export-job/core/job.ts'
import { isLiteral, isPrivateName, isSameHost, nameOf } from './public-host.ts'
import type { Settings } from './settings.ts'

/**
 * Why a URL may not be an input, as a sentence that does not quote it; null when it may. The rule for hosts is that of
 * webhooks; in development loopback is allowed, also by http.
 */
export function inputUrlFault(
  text: string,
  settings: Pick<Settings, 'environment' | 'publicUrl'>,
): string | null {
  if (!URL.canParse(text)) return 'This is not a URL.'
  const url = new URL(text)
  const development = settings.environment === 'development'
  const host = nameOf(url)
  const loopback = development && isLoopback(host)
  if (url.username || url.password) return 'A URL with a user name or password is not fetched.'
  if (url.protocol !== 'https:' && !(loopback && url.protocol === 'http:'))
    return 'Only https URLs are fetched.'
  if (settings.publicUrl && isSameHost(url, new URL(settings.publicUrl), development))
    return 'This is the address of this service itself: name the key of the file as input_video_key.'
  if (loopback) return null
  if (isLiteral(host)) return 'A literal IP address is not fetched: give it a name.'
  if (isPrivateName(host)) return 'Addresses of private or local networks are not fetched.'
  return null
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127\.[\d.]+$/.test(host)
}

/** The URL as it is fetched, and as it is shown. Without its fragment, which is never sent. @throws TypeError */
export function inputUrlOf(text: string): NonNullable<JobRequest['inputVideoUrl']> {
  const url = new URL(text)
  url.hash = ''
  return { whole: url.href, shown: `${url.origin}${url.pathname}` }
}

/** The secret parts of the URL, longest first: its query, as a whole and each value of it. */
export function secretsOfUrl({ whole }: NonNullable<JobRequest['inputVideoUrl']>): string[] {
  const query = new URL(whole).search.slice(1)
  const written = query.split('&').map((pair) => pair.slice(pair.indexOf('=') + 1))
  const read = [...new URLSearchParams(query).values()]
  return [query, ...written, ...read].sort((a, b) => b.length - a.length)
}
