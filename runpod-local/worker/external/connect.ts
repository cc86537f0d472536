/**
 * Connects to public addresses only. A host name is resolved once, the addresses are checked, and the connection is
 * made to a checked address itself, so that a later DNS answer has no effect. No proxy is used.
 */

import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect, isIP, type Socket } from 'node:net'
import { connect as secure, type TLSSocket } from 'node:tls'
import { abortOf, type TimeLimit, within } from '../within.ts'
import { isGlobalAddress, isLoopback } from './global-address.ts'
import { Passing, Refused } from './limits.ts'

/** Network access, replaced by tests. */
export interface Network {
  /** All addresses of a host name. Rejects with the code `ENOTFOUND` when it has none. */
  resolve(name: string): Promise<string[]>
  /** Starts a TCP connection to an address. */
  dial(address: string, port: number): Socket
  /** Trusted certificates in PEM, instead of Node's. */
  ca?: string | Buffer
}

export const internet: Network = {
  resolve: async (name) => (await lookup(name, { all: true })).map(({ address }) => address),
  dial: (host, port) => connect({ host, port }),
}

/** A name may have many unreachable addresses, for example all of IPv6; at most this many of each family are tried. */
const MAX_OF_A_KIND = 2

export interface Opened {
  stream: Socket
  /** Whether it is connected to this computer. */
  isLoopback: boolean
}

/**
 * Connects to the host of `url`, and for https verifies its certificate for the name. `loopback` allows this computer,
 * and http to it alone.
 * @throws Refused, or the error of the last try
 */
export async function open(url: URL, network: Network, loopback: boolean, limit: TimeLimit): Promise<Opened> {
  const isSecure = url.protocol === 'https:'
  if (!isSecure && !(loopback && url.protocol === 'http:')) {
    throw new Refused('is not fetched: only https is allowed. Give an https address.')
  }
  if (url.username || url.password) {
    const instead = 'Give an address that is signed instead.'
    throw new Refused(`is not fetched: it holds a user name or password. ${instead}`)
  }
  const name = nameOf(url)
  const addresses = await publicAddresses(name, network, loopback, isSecure, limit)
  const port = Number(url.port) || (isSecure ? 443 : 80)
  const { address, socket } = await dialed(addresses, port, network, limit)
  const stream = isSecure ? await secured(socket, name, network, limit) : socket
  return { stream, isLoopback: isLoopback(address) }
}

/** The host name without brackets and trailing dot. */
export function nameOf({ hostname }: URL): string {
  return hostname.replace(/^\[|[\].]$/g, '')
}

async function publicAddresses(
  name: string,
  network: Network,
  loopback: boolean,
  isSecure: boolean,
  limit: TimeLimit,
): Promise<string[]> {
  const found = isIP(name) ? [name] : await resolved(name, network, limit)
  const usable = found.filter(
    (address) => (isSecure && isGlobalAddress(address)) || (loopback && isLoopback(address)),
  )
  if (usable.length > 0) return usable
  const instead = 'Give an address that everyone on the internet can reach.'
  throw new Refused(`is not fetched: it is in a private or reserved network. ${instead}`)
}

async function resolved(name: string, network: Network, limit: TimeLimit): Promise<string[]> {
  try {
    const found = (signal: AbortSignal) => Promise.race([network.resolve(name), abortOf(signal)])
    return await within(limit, noConnection, found)
  } catch (error) {
    limit.signal.throwIfAborted()
    if (error instanceof Passing) throw error
    if (!isCoded(error, 'ENOTFOUND')) throw new Passing('its host name could not be looked up')
    throw new Refused('is not fetched: its host name is not known. Check its spelling.')
  }
}

async function dialed(
  addresses: readonly string[],
  port: number,
  network: Network,
  limit: TimeLimit,
): Promise<{ address: string; socket: Socket }> {
  let trouble: unknown
  const ofItsKind = (address: string, at: number) =>
    addresses.slice(0, at).filter((other) => isIP(other) === isIP(address)).length
  for (const address of addresses.filter((each, at) => ofItsKind(each, at) < MAX_OF_A_KIND)) {
    try {
      const connected = (signal: AbortSignal) => ready(network.dial(address, port), 'connect', signal)
      return { address, socket: await within(limit, noConnection, connected) }
    } catch (error) {
      limit.signal.throwIfAborted()
      trouble = error
    }
  }
  throw trouble
}

async function secured(socket: Socket, name: string, { ca }: Network, limit: TimeLimit): Promise<TLSSocket> {
  // Without an explicit host name the check would use the socket's, which is an address.
  const stream = secure({
    socket,
    host: name,
    servername: isIP(name) ? '' : name,
    ALPNProtocols: ['http/1.1'],
    ca,
  })
  try {
    return await within(limit, noConnection, (signal) => ready(stream, 'secureConnect', signal))
  } catch (error) {
    limit.signal.throwIfAborted()
    // Set when the certificate is invalid, and in no other case.
    if (!stream.authorizationError) throw error
    const instead = 'Give an address whose certificate is.'
    throw new Refused(`is not fetched: its server's certificate is not valid. ${instead}`)
  }
}

const noConnection = (seconds: number) => new Passing(`no connection within ${seconds} s`)

/** The socket after `event`; it is destroyed when that fails. */
async function ready<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  // Later errors are handled by the reader of the socket.
  socket.on('error', () => {})
  try {
    await once(socket, event, { signal })
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function isCoded(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
