/**
 * Restricts the targets of outgoing webhooks. Outside development only https to a public name: never loopback, a
 * private network, a literal IP address in any spelling, or this service itself, which could cause a loop. The runtime
 * must refuse a public name that resolves to a private address, because a Worker cannot resolve names beforehand.
 */
import { isLiteral, isPrivateName, isSameHost, nameOf } from './public-host.ts'
import type { Settings } from './settings.ts'

/** Why a URL may not be called, as a sentence; null when it may. */
export function webhookUrlFault(
  text: string,
  settings: Pick<Settings, 'environment' | 'publicUrl'>,
): string | null {
  if (!URL.canParse(text)) return 'This is not a URL.'
  const url = new URL(text)
  if (url.username || url.password) return 'A URL with a user name or password is not called.'
  const development = settings.environment === 'development'
  if (url.protocol !== 'https:' && !(development && url.protocol === 'http:'))
    return 'Only https URLs are called.'
  if (settings.publicUrl && isSameHost(url, new URL(settings.publicUrl), development))
    return 'This is the address of this service itself.'
  if (development) return null
  const host = nameOf(url)
  if (isLiteral(host)) return 'A literal IP address is not called: give it a name.'
  if (isPrivateName(host)) return 'Addresses of private or local networks are not called.'
  return null
}
