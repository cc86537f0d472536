/**
 * Where an outgoing webhook may go. Outside development only https to a public name: never this computer, a private
 * network, a literal of such an address in any spelling, or this service itself, which would call itself in a circle.
 * A public name that resolves to a private address is the runtime's to refuse: a Worker cannot look a name up first.
 */
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
  if (!development && isPrivateHost(nameOf(url)))
    return 'Addresses of private or local networks are not called.'
  return null
}

/** A name is the same with its root dot. On a developer's computer other ports are other services. */
function isSameHost(a: URL, b: URL, development: boolean): boolean {
  return nameOf(a) === nameOf(b) && (!development || a.port === b.port)
}

function nameOf(url: URL): string {
  return url.hostname.replace(/\.+$/, '').toLowerCase()
}

/** The URL parser has already normalised spellings such as 0x7f.1, 2130706433 and IPv4-mapped IPv6. */
function isPrivateHost(host: string): boolean {
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

/** The special-purpose blocks of IANA's registry (RFC 6890), and multicast. */
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
    (a === 192 && b === 88 && c === 99) ||
    (a === 198 && (b === 18 || b === 19)) ||
    (a === 198 && b === 51 && c === 100) ||
    (a === 203 && b === 0 && c === 113)
  )
}

/**
 * Only global unicast (2000::/3) is public, but for the blocks inside it that embed or document other addresses:
 * 2001::/23 (Teredo among them), 2001:db8::/32, 2002::/16 (6to4) and 3fff::/20.
 */
function isPrivateIpv6(host: string): boolean {
  const [first = 0, second = 0] = host.split(':').map((group) => Number.parseInt(group || '0', 16))
  if (first < 0x2000 || first > 0x3fff) return true
  if (first === 0x2001) return second < 0x200 || second === 0xdb8
  return first === 0x2002 || (first === 0x3fff && second < 0x1000)
}
