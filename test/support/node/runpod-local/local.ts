import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import {
  type RunpodLocal,
  type RunpodLocalOptions,
  startRunpodLocal,
} from '../../../../runpod-local/start.ts'

export type Json = Record<string, unknown>

export interface Local extends RunpodLocal {
  /** The base URL of an endpoint, as in RUNPOD_ENDPOINT. */
  endpoint: string
  lines: string[]
  get(path: string): Promise<{ status: number; body: Json }>
  post(path: string, body?: unknown): Promise<{ status: number; body: Json }>
  setFaults(body: unknown): Promise<number>
  jobs(): Promise<Json[]>
  /** Resolves with the envelope when the job has this status. */
  reaches(id: string, status: string): Promise<Json>
}

/** Starts an endpoint for one test, with short waits, and closes it when the test is over. */
export async function startLocal(options: RunpodLocalOptions = {}): Promise<Local> {
  const dir = options.dir ?? (await temporaryDir())
  const lines: string[] = []
  const local = await startRunpodLocal({
    port: 0,
    dir,
    policyBounds: false,
    webhookRetryMs: 20,
    lostWorkerMs: 40,
    reportIntervalMs: 10,
    backoffMs: [10, 20, 40],
    log: (line) => lines.push(line),
    ...options,
  })
  onTestFinished(() => local.close())
  const endpoint = `${local.url}/v2/test`
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${endpoint}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${options.apiKey ?? 'local-key'}`,
        'content-type': 'application/json',
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as Json }
  }
  const get = (path: string) => call('GET', path)
  return {
    ...local,
    endpoint,
    lines,
    get,
    post: (path, body) => call('POST', path, body),
    async setFaults(body) {
      const answer = await fetch(`${local.url}/faults`, { method: 'PUT', body: JSON.stringify(body) })
      return answer.status
    },
    async jobs() {
      const answer = await fetch(`${local.url}/jobs`)
      return ((await answer.json()) as { jobs: Json[] }).jobs
    },
    reaches: (id, status) =>
      eventually(async () => {
        const { body } = await get(`/status/${id}`)
        if (body.status !== status) throw new Error(`${id} is ${body.status} (${body.error}), not ${status}`)
        return body
      }),
  }
}

/** A directory for one test. */
export async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'runpod-local-test-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  return dir
}

/** Repeats `look` until it does not throw, and returns its result. */
export function eventually<T>(look: () => T | Promise<T>, timeout = 60_000): Promise<T> {
  return vi.waitFor(look, { timeout, interval: 25 })
}
