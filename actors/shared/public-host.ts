/** Decides which hosts are public, by the URL only: what a name resolves to is known only to the connecting side. */

/** Compares names without their root dot; in development also ports, since other ports are other services. */
export function isSameHost(a: URL, b: URL, development: boolean): boolean {
  return nameOf(a) === nameOf(b) && (!development || a.port === b.port)
}

export function nameOf(url: URL): string {
  return url.hostname.replace(/\.+$/, '').toLowerCase()
}

/**
 * Cloudflare does not let Workers fetch literal addresses (error 1003), so such a webhook would never be delivered. The
 * URL parser has already normalised spellings such as 0x7f.1 and 2130706433.
 */
export function isLiteral(host: string): boolean {
  return host.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(host)
}

export function isPrivateName(host: string): boolean {
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
