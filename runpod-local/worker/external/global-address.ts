/**
 * Whether an address is on the public internet: by IANA's registries of special-purpose addresses (RFC 6890 and its
 * updates); for IPv6 only the allocated range (2000::/3), without embedded IPv4 and unassigned addresses.
 */
import { BlockList, isIP } from 'node:net'

const SPECIAL_IPV4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // shared by carriers (CGNAT)
  '127.0.0.0/8', // loopback
  '169.254.0.0/16', // link-local
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
]
const GIVEN_OUT_IPV6 = ['2000::/3']
const SPECIAL_IPV6 = [
  '2001::/23', // protocol assignments, Teredo among them
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4
  '3fff::/20', // documentation
]

const ipv4 = blocks(SPECIAL_IPV4, 'ipv4')
const givenOut = blocks(GIVEN_OUT_IPV6, 'ipv6')
const ipv6 = blocks(SPECIAL_IPV6, 'ipv6')

function blocks(ranges: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [net = '', prefix] = range.split('/')
    list.addSubnet(net, Number(prefix), family)
  }
  return list
}

/** False also for a text that is no address in its usual form, or has a zone. */
export function isGlobalAddress(address: string): boolean {
  const family = address.includes('%') ? 0 : isIP(address)
  if (family === 4) return !ipv4.check(address, 'ipv4')
  return family === 6 && givenOut.check(address, 'ipv6') && !ipv6.check(address, 'ipv6')
}

export function isLoopback(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'))
}
