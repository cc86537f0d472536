/** Requests for jobs that do not exist use no storage: no table, no row, no alarm. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { callbackToken, webhookPath } from '../../../actors/shared/signing.ts'
import { ROUTES } from '../../../src/router.ts'
import { HOUR, T0 } from '../../support/workerd/clock.ts'
import { api, countRows, problemOf, SECRET, tablesOf, useHttpWorld } from '../../support/workerd/http.ts'

useHttpWorld()

const FIRST = { round: 1, attempt: 1 }
const probes = ROUTES.filter(({ path }) => path.includes(':id')).map(
  ({ method, path }) => [method, path] as const,
)

const BODIES: Record<string, string> = {
  '/api/jobs/:id/do/progress': '{"progress": 1, "runpod_job_id": "x"}',
  '/api/jobs/:id/do/complete': '{"output_video_key": "output/x.mp4"}',
  '/api/jobs/:id/do/error': '{"error": "x", "should_retry": true}',
  '/api/admin/jobs/:id/actions': '{"action": "cancel", "reason": "It is not there."}',
}

async function leavesNothing(id: string, rows: number): Promise<void> {
  const stub = env.EXPORT_JOB.getByName(id)
  expect(await tablesOf(stub)).toEqual([])
  const alarm = await runInDurableObject(stub, (_instance, state) => state.storage.getAlarm())
  expect(alarm).toBeNull()
  expect(await countRows()).toBe(rows)
}

it.each(probes)('%s %s', async (method, path) => {
  const id = crypto.randomUUID().replace(/^(.{14})./, '$17')
  const rows = await countRows()
  const body = BODIES[path]
  const headers: Record<string, string> = {
    ...(path.includes('/do/') && { Authorization: `Bearer ${callbackToken(SECRET, id, FIRST, T0 + HOUR)}` }),
    ...(path.endsWith('/ws') && { Upgrade: 'websocket' }),
    ...(body && { 'Content-Type': 'application/json' }),
  }
  const response = await api(path.replace(':id', id), { method, headers, ...(body && { body }) })
  if (response.status === 101) response.webSocket?.accept()
  else if (path.includes('/do/')) expect(await response.json()).toEqual({ ok: true, cancel: true })
  else await problemOf(response, 404, 'job_not_found')
  await leavesNothing(id, rows)
})

it('POST /api/runpod/callback', async () => {
  const id = crypto.randomUUID().replace(/^(.{14})./, '$17')
  const rows = await countRows()
  const path = webhookPath(SECRET, id, FIRST, T0 + HOUR)
  const response = await api(path, { method: 'POST', body: '{"id": "x", "status": "COMPLETED"}' })
  expect(response.status).toBe(200)
  await leavesNothing(id, rows)
})
