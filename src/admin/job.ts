/**
 * GET /api/admin/jobs/:id: the full state of one actor, beside its row in D1. `?from=mirror` reads the row alone and
 * wakes no actor; `?download` returns everything in one file for a bug report, with secrets removed.
 */
import type * as v from 'valibot'
import { iso } from '../../actors/export-job/core/iso.ts'
import type { JobRow } from '../../actors/export-job/effects/job-columns.ts'
import type { ActorJson } from '../../actors/export-job/inspect.ts'
import { withoutSecretsIn } from '../../actors/shared/redact.ts'
import type { Drift, InspectedJob, MirrorJson } from '../../wire/admin.ts'
import { TROUBLE_TYPES } from '../../wire/log-types.ts'
import { requireProject } from '../auth/caller.ts'
import { readRow } from '../d1/row.ts'
import { rowDiff } from '../d1/row-diff.ts'
import { json, jsonText, type ScopedCall } from '../http/exchange.ts'
import { parseQuery } from '../http/parse-query.ts'
import { jobNotFound, Problem } from '../http/problem.ts'
import { askOf, callersJobId } from '../jobs/job-id.ts'
import { archivedView, rowView } from '../jobs/view.ts'
import { callJob } from '../stubs.ts'
import { InspectQuery } from './schemas.ts'

const STANDARD_LIMIT = 200
const MAX_LIMIT = 1_000
/** As many lines as an actor keeps (`MAX_EVENTS_KEPT`). */
const WHOLE_LOG = 10_000

type Asked = v.InferOutput<typeof InspectQuery>

/** @throws Problem 404 when neither an actor nor a row exists, or the job belongs to another project */
export async function inspectJob(call: ScopedCall): Promise<Response> {
  const asked = parseQuery(InspectQuery, call.url.searchParams)
  const id = callersJobId(call)
  const body = asked.from === 'mirror' ? await fromMirror(call, id) : await fromActor(call, id, asked)
  return asked.download ? file(id, body) : json(body)
}

async function fromActor(call: ScopedCall, id: string, asked: Asked): Promise<InspectedJob> {
  const limit = asked.download ? WHOLE_LOG : Math.min(asked.limit ?? STANDARD_LIMIT, MAX_LIMIT)
  const types = asked.errors
    ? TROUBLE_TYPES.filter((type) => asked.type?.includes(type) ?? true)
    : (asked.type ?? null)
  const page = { after: asked.after ?? null, before: asked.before ?? null, limit, types }
  const [answer, row] = await Promise.all([
    callJob(call.env, id, (job) => job.inspect(page, askOf(call))),
    readRow(call.env, id).catch(unreachable),
  ])
  if (!answer.found) {
    if (answer.deleting || row === 'unreachable') throw jobNotFound()
    return ofRow(call, row)
  }
  // An actor of an earlier version does not check the project itself.
  requireProject(call.caller, answer.projectId)
  const { job, actor, expected, log }: ActorJson = JSON.parse(answer.inspection)
  return { source: 'actor', job, actor, log, mirror: mirrorOf(row), drift: drift(expected, row, actor) }
}

async function fromMirror(call: ScopedCall, id: string): Promise<InspectedJob> {
  return ofRow(call, await readRow(call.env, id))
}

function ofRow(call: ScopedCall, row: JobRow | null): InspectedJob {
  if (!row) throw jobNotFound()
  requireProject(call.caller, row.project_id)
  const job = row.archived ? archivedView(row) : rowView(row)
  return { source: 'mirror', job, actor: null, log: null, mirror: mirrorOf(row), drift: null }
}

function drift(
  expected: ActorJson['expected'],
  row: JobRow | null | 'unreachable',
  { outbox }: ActorJson['actor'],
): Drift | null {
  if (row === 'unreachable') return { state: 'unreachable', columns: [] }
  return expected && rowDiff(expected, row, outbox.mirror)
}

/** When D1 is out of reach, the answer still contains the actor's state, and reports this. */
function unreachable(error: unknown): 'unreachable' {
  if (error instanceof Problem) return 'unreachable'
  throw error
}

function mirrorOf(row: JobRow | null | 'unreachable'): MirrorJson | null {
  if (row === null || row === 'unreachable') return null
  const { params: _, metadata: __, tags: ___, request_hash: ____, mirrored_at, ...columns } = row
  const shown = Object.entries(columns).map(([name, value]) => [
    name,
    name.endsWith('_at') && typeof value === 'number' ? iso(value) : value,
  ])
  return {
    row: Object.fromEntries(shown),
    mirrored_at: iso(mirrored_at),
    age_seconds: Math.max(0, (Date.now() - mirrored_at) / 1000),
  }
}

function file(id: string, body: object): Response {
  const whole = JSON.parse(JSON.stringify({ made_at: iso(Date.now()), ...body }))
  return jsonText(`${JSON.stringify(withoutSecretsIn(whole), null, 2)}\n`, 200, {
    'Content-Disposition': `attachment; filename="exportal-job-${id}.json"`,
  })
}
