/** A receiver of webhooks. */
import { beforeEach, vi } from 'vitest'
import type { EventJson } from '../../../wire/events.ts'
import type { JsonObject } from '../../../wire/json.ts'
import { api, bodyOf, createJob, post, ring } from './http.ts'

export const URL_OF_RECEIVER = 'https://hooks.example.com/exports'

interface Received {
  headers: Record<string, string>
  body: string
  redirect: string | undefined
}

/** The messages received, and the next answers; 204 when there are none. */
export const received: Received[] = []
export const answers: (() => Response)[] = []

/** Handles its own URL in `fetch`; called after useHttpWorld, which handles all others. */
export function useReceiver(): void {
  beforeEach(() => {
    received.length = 0
    answers.length = 0
    const others = vi.mocked(fetch).getMockImplementation()
    vi.mocked(fetch).mockImplementation(async (input, init) => {
      if (String(input) !== URL_OF_RECEIVER) return others?.(input, init) ?? Response.error()
      const headers = Object.fromEntries(new Headers(init?.headers))
      received.push({ headers, body: String(init?.body), redirect: init?.redirect })
      const answer = answers.shift()
      return answer ? answer() : new Response(null, { status: 204 })
    })
  })
}

export function theOnly(): Received {
  const [only, ...others] = received
  if (!only || others.length > 0) throw new Error(`${received.length} messages came.`)
  return only
}

/** Accepted and cancelled at once: its end is owed to the receiver. */
export async function aToldJob(over: Record<string, unknown> = {}): Promise<string> {
  const { job_id } = await createJob({ webhook_url: URL_OF_RECEIVER, ...over })
  await post(`/api/jobs/${job_id}/cancel`, {})
  return job_id
}

/** Log lines about webhooks, with any data. */
export async function lines(id: string): Promise<(Omit<EventJson, 'data'> & { data: JsonObject })[]> {
  const { events } = await bodyOf<{ events: EventJson[] }>(await api(`/api/jobs/${id}/events?after=0`))
  return events.filter((event) => event.type.startsWith('webhook_'))
}

export async function ringAfter(ms: number, id: string): Promise<void> {
  vi.setSystemTime(Date.now() + ms)
  await ring(id)
}
