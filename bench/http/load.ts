/** A closed loop: connections that each send the next request after the previous answer. */
import { performance } from 'node:perf_hooks'
import { type Answer, Connection } from './connection.ts'

export interface LoadOptions {
  port: number
  connections: number
  /** How long to start new requests, in milliseconds. */
  ms: number
  /** The nth request, numbered across all connections. */
  request: (nth: number) => Buffer
  expect: number
}

export interface LoadResult {
  requests: number
  /** Actual duration in milliseconds. */
  elapsedMs: number
  /** In milliseconds, in the order of completion. */
  latencies: number[]
}

/** @throws Error at the first answer with another status: measuring refusals would be meaningless */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const { port, connections, ms, request, expect } = options
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(port)))
  const latencies: number[] = []
  let nth = 0
  const started = performance.now()
  try {
    await Promise.all(
      open.map(async (connection) => {
        while (performance.now() - started < ms) {
          const before = performance.now()
          const answer = await connection.exchange(request(nth++))
          latencies.push(performance.now() - before)
          if (answer.status !== expect) throw unexpected(answer)
        }
      }),
    )
  } finally {
    for (const connection of open) connection.close()
  }
  return { requests: latencies.length, elapsedMs: performance.now() - started, latencies }
}

/** Sends all of `requests` once, over this many connections; the answers are in the order of the requests. */
export async function sendAll(
  port: number,
  connections: number,
  requests: readonly Buffer[],
): Promise<Answer[]> {
  const answers: Answer[] = new Array(requests.length)
  let next = 0
  await Promise.all(
    Array.from({ length: Math.min(connections, requests.length) }, async () => {
      const connection = await Connection.open(port)
      for (let mine = next++; mine < requests.length; mine = next++) {
        const request = requests[mine]
        if (request) answers[mine] = await connection.exchange(request)
      }
      connection.close()
    }),
  )
  return answers
}

/** Sends one request over a new connection. */
export async function send(port: number, request: Buffer): Promise<Answer> {
  const [answer] = await sendAll(port, 1, [request])
  if (!answer) throw new Error('There was no answer.')
  return answer
}

export function unexpected({ status, body }: Answer): Error {
  return new Error(`Unexpected answer ${status}: ${body.slice(0, 300)}`)
}
