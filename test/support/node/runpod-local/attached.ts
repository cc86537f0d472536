import { request } from 'node:http'
import { eventually, type Json, type Local } from './local.ts'

export interface Taken {
  id: string
  input: Json
  [more: string]: unknown
}

/** A worker that behaves like RunPod's SDK: polls the URLs in its environment, and posts to them. */
export class AttachedWorker {
  readonly #local: Local
  readonly #env: Record<string, string>

  constructor(local: Local, id = 'worker-1') {
    this.#local = local
    this.#env = { ...environmentOf(local.lines), RUNPOD_POD_ID: id }
  }

  /** A URL from the environment, completed as the SDK does it. */
  address(name: string, jobId: string): string {
    const template = this.#env[name] ?? ''
    const worker = this.#env.RUNPOD_POD_ID ?? ''
    const id = name === 'RUNPOD_WEBHOOK_GET_JOB' ? worker : jobId
    return template.replace('$RUNPOD_POD_ID', worker).replace('$ID', id)
  }

  /** Polls once; null for 204. */
  async take(): Promise<Taken | null> {
    const answer = await this.#call(`${this.address('RUNPOD_WEBHOOK_GET_JOB', '')}&job_in_progress=0`)
    return answer.status === 204 ? null : ((await answer.json()) as Taken)
  }

  async takeBatch(size: number): Promise<Taken[]> {
    const one = this.address('RUNPOD_WEBHOOK_GET_JOB', '').replace('/job-take/', '/job-take-batch/')
    const answer = await this.#call(`${one}&batch_size=${size}&job_in_progress=0`)
    return answer.status === 204 ? [] : ((await answer.json()) as Taken[])
  }

  done(jobId: string, body: unknown): Promise<Response> {
    const url = `${this.address('RUNPOD_WEBHOOK_POST_OUTPUT', jobId)}&isStream=false`
    return this.#post(url, jobId, body)
  }

  stream(jobId: string, output: unknown): Promise<Response> {
    const url = `${this.address('RUNPOD_WEBHOOK_POST_STREAM', jobId)}&isStream=false`
    return this.#post(url, jobId, { output })
  }

  ping(...jobIds: string[]): Promise<Response> {
    const query = new URLSearchParams({ job_id: jobIds.join(','), runpod_version: '1.12.0' })
    return this.#call(`${this.address('RUNPOD_WEBHOOK_PING', '')}&${query}`)
  }

  async stops(): Promise<string[]> {
    const url = this.address('RUNPOD_WEBHOOK_GET_JOB', '').replace('/job-take/', '/job-stop/')
    return ((await (await this.#call(url)).json()) as { jobsToStop: string[] }).jobsToStop
  }

  /** Begins a poll and disconnects as soon as the answer begins. */
  async dieWhileTaking(): Promise<void> {
    const { hostname, port, pathname, search } = new URL(this.address('RUNPOD_WEBHOOK_GET_JOB', ''))
    const poll = request({ hostname, port, path: pathname + search, headers: this.#headers })
    poll.on('error', () => {})
    poll.end()
    await this.waits()
    poll.destroy()
  }

  /** Resolves when the endpoint reports a waiting worker. */
  async waits(count = 1): Promise<void> {
    await eventually(async () => {
      const { body } = await this.#local.get('/health')
      const { idle } = body.workers as { idle: number }
      if (idle !== count) throw new Error(`${idle} workers wait`)
    })
  }

  get #headers(): Record<string, string> {
    return { authorization: this.#env.RUNPOD_AI_API_KEY ?? '' }
  }

  #call(url: string): Promise<Response> {
    return fetch(url, { headers: this.#headers })
  }

  #post(url: string, jobId: string, body: unknown): Promise<Response> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-request-id': jobId }
    return fetch(url, {
      method: 'POST',
      headers: { ...this.#headers, ...headers },
      body: JSON.stringify(body),
    })
  }
}

/** The variables set by the lines `export NAME='value'` of the log. */
export function environmentOf(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, name, value] = /^export (\w+)='(.*)'$/.exec(line) ?? []
      return name === undefined || value === undefined ? [] : [[name, value]]
    }),
  )
}
