/**
 * GET /api/admin/lanes and POST /api/admin/lanes/:name/actions: inspect, pause and resume the lane of each endpoint.
 */
import { iso } from '../../actors/export-job/core/iso.ts'
import type { LanesJson } from '../../wire/admin.ts'
import { requireOwnProject } from '../auth/caller.ts'
import { endpointsInUse } from '../d1/endpoints.ts'
import { json, type ScopedCall } from '../http/exchange.ts'
import { parse } from '../http/parse.ts'
import { Problem } from '../http/problem.ts'
import { readJson } from '../http/read-json.ts'
import { requireIntent } from '../http/same-origin.ts'
import { callLane } from '../stubs.ts'
import type { SeenLanes } from './lane-figures.ts'
import { LaneAction } from './schemas.ts'

const MAX_BODY_BYTES = 16 * 1024

/** @throws Problem 403 for a token confined to a project or a job, since a lane is shared by all projects */
export async function readLanes(call: ScopedCall): Promise<Response> {
  requireOwnProject(call.caller, null)
  const { lanes, unreachable } = await inspectLanes(call)
  const answer: LanesJson = { as_of: iso(Date.now()), lanes, unreachable }
  return json(answer)
}

/**
 * Every lane as it is now: of the endpoints in the settings, and of removed ones that still have unfinished jobs. While
 * D1 does not answer, those in the settings alone.
 */
export async function inspectLanes(call: ScopedCall): Promise<SeenLanes> {
  const inUse = await endpointsInUse(call.env).catch(() => [])
  const names = [...new Set([...call.settings.endpoints.keys(), ...inUse])].sort()
  const lanes = await Promise.all(
    names.map((name) => callLane(call.env, name, (lane) => lane.inspect()).catch(() => null)),
  )
  return {
    lanes: lanes.filter((lane) => lane !== null),
    unreachable: names.filter((_, i) => lanes[i] === null),
  }
}

/**
 * 200 `{action, lane}`. An endpoint in the settings is paused without D1: that may be the reason for the pause.
 *
 * @throws Problem 404 when no endpoint has, or had, this name
 */
export async function actOnLane(call: ScopedCall): Promise<Response> {
  requireOwnProject(call.caller, null)
  requireIntent(call.request, call.url)
  const { action, reason } = parse(LaneAction, await readJson(call.request, { bytes: MAX_BODY_BYTES }))
  const name = call.params.name ?? ''
  if (!call.settings.endpoints.has(name) && !(await endpointsInUse(call.env)).includes(name))
    throw new Problem(404, 'lane_not_found', `No endpoint is called “${name}”.`)
  const operator = { by: call.caller.subject, reason }
  const lane = await callLane(call.env, name, (lane) =>
    action === 'pause' ? lane.pause(operator) : lane.resume(operator),
  )
  return json({ action, lane })
}
