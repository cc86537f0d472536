/**
 * Where an outgoing webhook may go. Outside development only https to a public name: never this computer, a private
 * network, a literal of such an address in any spelling, or this service itself, which would call itself in a circle.
 */
import type { Settings } from './settings.ts'

/** Why a URL may not be called; null when it may. */
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
  if (settings.publicUrl && new URL(settings.publicUrl).host === url.host)
    return 'This is the address of this service itself.'
  if (!development && isPrivateHost(url.hostname))
    return 'Addresses of private or local networks are not called.'
  return null
}

/** The URL parser has already normalised spellings such as 0x7f.1 and IPv4-mapped IPv6. */
function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/\.$/, '').toLowerCase()
  if (host.startsWith('[')) return isPrivateIpv6(host.slice(1, -1))
  if (/^\d+\.\d+\.\d+\.\d+$/.test(host)) return isPrivateIpv4(host.split('.').map(Number))
  return !host.includes('.') || PRIVATE_SUFFIXES.some((suffix) => host.endsWith(suffix))
}

const PRIVATE_SUFFIXES = [
  '.localhost',
  '.local',
  '.internal',
  '.intranet',
  '.lan',
  '.home',
  '.home.arpa',
  '.corp',
]

/** RFC 6890's special-purpose blocks, and multicast. */
function isPrivateIpv4([a = 0, b = 0, c = 0]: number[]): boolean {
  return (
    a === 0 ||
    a === 10 ||
    a === 127 ||
    a >= 224 ||
    (a === 100 && b >= 64 && b <= 127) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && b === 168) ||
    (a === 192 && b === 0 && (c === 0 || c === 2)) ||
    (a === 198 && (b === 18 || b === 19)) ||
    (a === 198 && b === 51 && c === 100) ||
    (a === 203 && b === 0 && c === 113)
  )
}

/** Only global unicast (2000::/3) is public, but for the blocks inside it that embed or document other addresses. */
function isPrivateIpv6(host: string): boolean {
  if (!/^[23]/.test(host)) return true
  return /^2001:(0?:|db8:|[12]\w?:)/.test(host) || host.startsWith('2002:')
}
