/** Operator actions over HTTP. */
import { api, bodyOf, post } from './http.ts'

/** The fields that the tests use. */
export interface Opened {
  source: string
  job: { id: string; status: string; reason: string }
  actor: {
    status: string
    findings: { code: string; cause: string; next: { what: string; at: string } | null }[]
    clocks: { name: string; at: string }[]
    alarm_at: string | null
    attempts: { attempt: number; runpod_job_id: string | null; outcome: string }[]
    outbox: {
      mirror: { tries: number } | null
      webhooks: { id: string; tries: number }[]
      webhooks_settled: { id: string; event: string }[]
    }
    webhook_answers: { id: string; at: string; status: number | null; detail: string | null }[]
    sockets: { count: number; list: { since: string; last_seq: number }[] }
    storage: { rows: number; bytes: number }
    wakes: number
    instances: number
  }
  log: { events: { seq: number; type: string; data: object }[]; first_seq: number; last_seq: number }
  mirror: { row: { status: string; version: number; finished_at: string | null }; age_seconds: number } | null
  drift: { state: string; columns: { name: string; actor: unknown; row: unknown }[] }
}

export const open = async (id: string, query = ''): Promise<Opened> =>
  bodyOf(await api(`/api/admin/jobs/${id}${query}`))

export const act = (
  id: string,
  action: string,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
) => post(`/api/admin/jobs/${id}/actions`, { action, reason: 'It hangs.', ...more }, headers)
