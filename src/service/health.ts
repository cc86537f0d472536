/** GET /health: whether the Worker runs; with `?deep=1`, whether its dependencies answer too. */

import { healthStatus } from '../../actors/runpod/client.ts'
import { versionOf } from '../../actors/shared/env.ts'
import { environmentOf, type Settings } from '../../actors/shared/settings.ts'
import { VERSION } from '../../actors/shared/version.ts'
import type { Health, HealthCheck } from '../../wire/service.ts'
import { authorize } from '../auth/caller.ts'
import { lacksMigration, MIGRATION_LACKS } from '../d1/reach.ts'
import { type Exchange, json } from '../http/exchange.ts'
import { notConfigured } from '../http/problem.ts'

const CHECK_MS = 3_000

/** `{status, env, release, version}`. The deep check calls D1, R2 and RunPod, so it requires the scope admin. */
export async function health(exchange: Exchange): Promise<Response> {
  const { env, url, request, settings } = exchange
  const who = { env: environmentOf(env.ENVIRONMENT), release: VERSION, version: versionOf(env) }
  if (url.searchParams.get('deep') !== '1') return json({ status: 'ok', ...who } satisfies Health)
  if (!settings.ok) throw notConfigured(settings.missing)
  await authorize(request, url, settings.settings, 'admin')
  const [d1, r2, runpod] = await Promise.all([
    timed(() => askD1(env.DB)),
    timed(() => env.VIDEOS.head('health')),
    timed(() => askRunpod(settings.settings)),
  ])
  const checks = { d1, r2, runpod }
  const ok = Object.values(checks).every((check) => check.ok)
  return json({ status: ok ? 'ok' : 'degraded', ...who, checks } satisfies Health, ok ? 200 : 503)
}

/** An error's message may contain addresses, so only its kind is returned. */
async function timed(ask: () => Promise<unknown>): Promise<HealthCheck> {
  const started = Date.now()
  let timer: ReturnType<typeof setTimeout> | null = null
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Refusal(`No answer within ${CHECK_MS / 1000} s.`)), CHECK_MS)
  })
  try {
    await Promise.race([ask(), late])
    return { ok: true, ms: Date.now() - started }
  } catch (error) {
    const detail = error instanceof Refusal ? error.message : 'It could not be reached.'
    return { ok: false, ms: Date.now() - started, detail }
  } finally {
    clearTimeout(timer)
  }
}

class Refusal extends Error {}

/** A column of the newest migration. */
async function askD1(db: D1Database): Promise<void> {
  try {
    await db.prepare('SELECT outcome FROM export_jobs LIMIT 1').first()
  } catch (error) {
    throw lacksMigration(error) ? new Refusal(MIGRATION_LACKS) : error
  }
}

async function askRunpod({ endpoints, runpodApiKey }: Settings): Promise<void> {
  if (endpoints.size === 0 || !runpodApiKey)
    throw new Refusal('RUNPOD_ENDPOINT and RUNPOD_API_KEY are not both set.')
  const asked = [...endpoints.values()].map(async ({ name, url }) => {
    const answer = await healthStatus({ endpoint: url, apiKey: runpodApiKey }, CHECK_MS)
    const which = endpoints.size === 1 ? 'RunPod' : `RunPod's endpoint “${name}”`
    if (answer.kind === 'lost') throw new Refusal(`${which} could not be reached.`)
    if (answer.status !== 200) throw new Refusal(`${which} answered ${answer.status}.`)
  })
  await Promise.all(asked)
}
