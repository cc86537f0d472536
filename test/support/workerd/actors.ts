/** Shared by the actor tests: a fake RunPod behind `fetch`, and a job's actor with a manual alarm. */

import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { vi } from 'vitest'
import type { Report } from '../../../actors/export-job/core/events.ts'
import type { AttemptRef, JobRequest } from '../../../actors/export-job/core/job.ts'
import type { Ask } from '../../../actors/export-job/rpc.ts'
import type { EventJson } from '../../../wire/events.ts'
import type { JobJson } from '../../../wire/job.ts'
import { aRequest as anyRequest } from '../node/builders.ts'
import { pass } from './clock.ts'

/** The `Ask` of a caller who is confined to no project. */
export const ANYONE: Ask = { projectId: null, ifMatch: null, requestId: null }

export interface Call {
  method: string
  path: string
  body: {
    input: {
      callback_token: string
      output: { video_key: string; put_url: string; poster_put_url: string }
    } & Record<string, unknown>
  } & Record<string, unknown>
}

/** A fake RunPod: accepts every run by default, and records its requests. */
export class FakeRunpod {
  readonly calls: Call[] = []
  readonly jobs = new Map<string, Record<string, unknown>>()
  /** Replaces the answer of the next calls whose path starts with the key. */
  readonly answers = new Map<string, () => Response | Promise<Response>>()

  install(): this {
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
      const url = new URL(input instanceof Request ? input.url : String(input))
      const path = url.pathname.replace('/v2/ep', '')
      this.calls.push({
        method: init?.method ?? 'GET',
        path,
        body: init?.body ? JSON.parse(String(init.body)) : null,
      })
      const scripted = [...this.answers].find(([prefix]) => path.startsWith(prefix))
      return scripted ? scripted[1]() : this.#answer(path)
    })
    return this
  }

  count(prefix: string): number {
    return this.calls.filter((call) => call.path.startsWith(prefix)).length
  }

  lastRun(): Call['body'] {
    const call = this.calls.findLast((each) => each.path === '/run')
    if (!call) throw new Error('RunPod was not asked to run anything.')
    return call.body
  }

  #answer(path: string): Response {
    const [, verb = '', id = ''] = path.split('/')
    if (verb === 'run') {
      const runId = `rp-${this.count('/run')}-u1`
      this.jobs.set(runId, { id: runId, status: 'IN_QUEUE' })
      return Response.json({ id: runId, status: 'IN_QUEUE' })
    }
    if (verb === 'health') {
      return Response.json({
        jobs: { inQueue: 1 },
        workers: { idle: 0, running: 1, throttled: 0, initializing: 0 },
      })
    }
    const job = this.jobs.get(id)
    if (!job) return Response.json({ detail: 'not found' }, { status: 404 })
    if (verb === 'cancel') job.status = 'CANCELLED'
    return Response.json(job)
  }
}

export interface ActorHandle {
  id: string
  stub: typeof env.EXPORT_JOB extends { getByName(name: string): infer S } ? S : never
  job(): Promise<JobJson>
  events(): Promise<EventJson[]>
  types(): Promise<string[]>
  /** Fires the alarm if one is set. */
  ring(): Promise<boolean>
  alarmAt(): Promise<number | null>
  evict(): Promise<void>
  report(report: Report): Promise<{ ok: boolean; cancel?: boolean }>
}

export function aRequest(overrides: Partial<JobRequest> = {}): JobRequest {
  const id = overrides.id ?? crypto.randomUUID()
  return anyRequest({ id, inputVideoKey: `input/${id}/clip.mp4`, createdAt: Date.now(), ...overrides })
}

/** A job whose input is in storage, accepted by its actor; nothing has been dispatched yet. */
export async function aCreatedJob(overrides: Partial<JobRequest> = {}): Promise<ActorHandle> {
  const request = aRequest(overrides)
  await env.VIDEOS.put(request.inputVideoKey, 'video', { customMetadata: { project: '1' } })
  const handle = actor(request.id)
  const answer = await handle.stub.create(request)
  if (!answer.ok) throw new Error(answer.detail)
  return handle
}

/** `aCreatedJob` with its first attempt running: dispatched, with one report. */
export async function aRunningJob(overrides: Partial<JobRequest> = {}): Promise<ActorHandle> {
  const handle = await aCreatedJob(overrides)
  await handle.ring()
  await handle.report(progress(10))
  return handle
}

export function actor(id: string): ActorHandle {
  const stub = env.EXPORT_JOB.getByName(id)
  const events = async (): Promise<EventJson[]> => {
    const answer = await stub.events({ after: 0, limit: 1000 }, ANYONE)
    return answer.found ? JSON.parse(answer.events) : []
  }
  return {
    id,
    stub,
    events,
    types: async () => (await events()).map((event) => event.type),
    job: async () => {
      const answer = await stub.view(ANYONE)
      if (!answer.found) throw new Error('The actor shows no job.')
      return JSON.parse(answer.job)
    },
    ring: () => runDurableObjectAlarm(stub),
    alarmAt: () => runInDurableObject(stub, (_instance, state) => state.storage.getAlarm()),
    evict: () => evictDurableObject(stub),
    report: (report) => stub.report(report),
  }
}

/** Advances the clock to the alarm, and fires it. */
export async function ringWhenDue(handle: ActorHandle): Promise<void> {
  pass(Math.max(0, ((await handle.alarmAt()) ?? 0) - Date.now()))
  await handle.ring()
}

/** Fires due alarms until the condition holds; bounded, since an ended job has an alarm for its retention. */
export async function ringUntil(handle: ActorHandle, isSo: () => boolean): Promise<void> {
  for (let rings = 0; !isSo(); rings++) {
    if (rings === 1_000) throw new Error('A thousand alarms were not enough.')
    await ringWhenDue(handle)
  }
}

export const FIRST: AttemptRef = { round: 1, attempt: 1 }

export function progress(
  percent: number,
  ref: AttemptRef = FIRST,
  stage: string | null = 'rendering',
): Report {
  return { type: 'progressed', ref, percent, stage, message: null, etaMs: null, runpodJobId: null }
}

export function completed(ref: AttemptRef = FIRST): Report {
  return { type: 'completed', ref, outputKey: null, runpodJobId: null }
}

export async function storeOutput(handle: ActorHandle, ref: AttemptRef = FIRST): Promise<string> {
  const key = `output/${handle.id}/${ref.round}-${ref.attempt}.mp4`
  await env.VIDEOS.put(key, 'result')
  return key
}
