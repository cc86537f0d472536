/** GET /health: that the Worker answers; `?deep=1`: whether what it needs answers too. */
import { fetchStatus } from '../../actors/bounded-fetch.ts'
import type { Settings } from '../../actors/settings.ts'
import type { Health, HealthCheck } from '../../wire/service.ts'
import { authorize } from '../auth.ts'
import { type Exchange, json } from '../http.ts'
import { notConfigured } from '../problem.ts'

const CHECK_MS = 3_000

/** `{status, env}`. The deep look costs calls to D1, R2 and RunPod, so it needs a caller with the scope admin. */
export async function health(exchange: Exchange): Promise<Response> {
  const { env, url, request, settings } = exchange
  const name =
    env.ENVIRONMENT === 'development' || env.ENVIRONMENT === 'staging' ? env.ENVIRONMENT : 'production'
  if (url.searchParams.get('deep') !== '1') return json({ status: 'ok', env: name } satisfies Health)
  if (!settings.ok) throw notConfigured(settings.missing)
  await authorize(request, url, settings.settings, 'admin')
  const [d1, r2, runpod] = await Promise.all([
    timed(() => env.DB.prepare('SELECT 1 FROM export_jobs LIMIT 1').first()),
    timed(() => env.VIDEOS.head('health')),
    timed(() => askRunpod(settings.settings)),
  ])
  const checks = { d1, r2, runpod }
  const ok = Object.values(checks).every((check) => check.ok)
  return json({ status: ok ? 'ok' : 'degraded', env: name, checks } satisfies Health, ok ? 200 : 503)
}

/** An error's own words may hold addresses, so only its kind is told. */
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

async function askRunpod({ runpodEndpoint, runpodApiKey }: Settings): Promise<void> {
  if (!runpodEndpoint || !runpodApiKey)
    throw new Refusal('RUNPOD_ENDPOINT and RUNPOD_API_KEY are not both set.')
  const init = { headers: { Authorization: `Bearer ${runpodApiKey}` } }
  const answer = await fetchStatus(`${runpodEndpoint}/health`, init, CHECK_MS)
  if (answer.kind === 'lost') throw new Refusal('RunPod could not be reached.')
  if (answer.status !== 200) throw new Refusal(`RunPod answered ${answer.status}.`)
}
