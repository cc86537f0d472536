/** Performs the effects of a job, the only place that does: returns the answer of each as the next fact. */

import { cancel, health, type RunpodSettings, status } from '../runpod/client.ts'
import type { ActorEnv } from '../shared/env.ts'
import { logFault } from '../shared/log.ts'
import { INPUT_PREFIX, outputPrefix } from '../shared/owned-file.ts'
import type { Settings } from '../shared/settings.ts'
import { withTimeout } from '../shared/with-timeout.ts'
import type { CancelAnswer, Effect, Fact } from './core/events.ts'
import type { Endpoint, Job, JobRequest } from './core/job.ts'
import { CALL_LIMITS, DEFAULT_ENDPOINT } from './core/policy.ts'
import { countedOf, type MirrorRow, mirrorRowOf } from './core/shown/mirror-row.ts'
import { dispatch, meansOf } from './effects/dispatch.ts'
import { archiveRow, eraseRow, settleRow, useOfInput, writeMirror } from './effects/job-row.ts'
import { askForPlace, tellLane, weigh } from './effects/place.ts'
import { sendWebhook } from './effects/send-webhook.ts'
import { findOutput, ownObject, removeUnder } from './effects/videos.ts'
import { erasureOf } from './erasure.ts'

/** The dependencies of effects. */
export interface World {
  readonly env: ActorEnv
  readonly settings: Settings | null
  /** Whether the job has watchers. */
  readonly isWatched: () => boolean
  /** The last row written to D1, as far as known. Keyed by the request, so that it is dropped with the job. */
  readonly mirrored: WeakMap<JobRequest, MirrorRow>
}

/** Performs one effect for the current job. Never throws: a failure is a fact as well. */
export async function perform(effect: Effect, job: Job, world: World): Promise<Fact> {
  switch (effect.type) {
    case 'ask':
      return ask(effect, job, world)
    case 'tellLane':
      return tellLane(effect, job, laneOf(world, effect.place.endpoint))
    case 'weigh':
      return weigh(effect, laneOf(world, effect.endpoint))
    case 'dispatch':
      return dispatch(job, effect, world.env, world.settings)
    case 'poll':
      return poll(effect, runpodOf(world, effect.endpoint))
    case 'cancelRemote': {
      const runpod = runpodOf(world, effect.endpoint)
      const answer = runpod ? await cancel(runpod, effect.runpodJobId) : ({ kind: 'unconfirmed' } as const)
      return cancelAnswer(effect, answer)
    }
    case 'look':
      return attempted<Fact>(job.request.id, { type: 'lookFailed', ref: effect.ref }, async () => {
        const object = await findOutput(world.env.VIDEOS, effect.outputKey)
        return object
          ? { type: 'outputSeen', ref: effect.ref, object }
          : { type: 'outputAbsent', ref: effect.ref }
      })
    case 'mirror':
      return attempted<Fact>(job.request.id, { type: 'debtFailed', debt: 'mirror' }, (signal) =>
        mirror(job, world, signal),
      )
    case 'sweepOutputs':
      return attempted<Fact>(job.request.id, { type: 'debtFailed', debt: 'staleFiles' }, async (signal) => {
        await removeUnder(world.env.VIDEOS, outputPrefix(job.request.id), effect.keep, signal)
        return { type: 'debtPaid', debt: 'staleFiles' }
      })
    case 'archive':
      return attempted<Fact>(job.request.id, { type: 'debtFailed', debt: 'archive' }, async (signal) => {
        await removeVideos(job, world.env, signal)
        await archiveRow(world.env.DB, job, mirrorRowOf(job), Date.now())
        return { type: 'debtPaid', debt: 'archive' }
      })
    case 'erase':
      return attempted<Fact>(job.request.id, { type: 'debtFailed', debt: 'erase' }, async (signal) => {
        await removeVideos(job, world.env, signal)
        const erasure = erasureOf(job)
        if (erasure) await eraseRow(world.env.DB, job, erasure, Date.now())
        return { type: 'debtPaid', debt: 'erase' }
      })
    case 'deliver':
      return sendWebhook(effect.id, job, world.settings)
  }
}

function cancelAnswer(
  { ref, runpodJobId }: Extract<Effect, { type: 'cancelRemote' }>,
  answer: CancelAnswer,
): Fact {
  const about = { debt: 'cancels', ref, runpodJobId } as const
  return answer.kind === 'unconfirmed'
    ? { type: 'debtFailed', ...about }
    : { type: 'debtPaid', ...about, answer }
}

/**
 * After the actor has erased its storage. If D1 does not answer now, the cron sweep finds the overdue row without an
 * actor.
 */
export async function settled(jobId: string, { env }: World): Promise<void> {
  try {
    await withTimeout(CALL_LIMITS.storeMs, () => settleRow(env.DB, jobId))
  } catch (error) {
    logFault('perform', error, { job_id: jobId, failed: 'settled' })
  }
}

/** An operation on D1 or R2 with a time limit; a failure or timeout yields the fact `failed`. */
async function attempted<F extends Fact>(
  jobId: string,
  failed: F,
  act: (signal: AbortSignal) => Promise<F>,
): Promise<F> {
  try {
    return await withTimeout(CALL_LIMITS.storeMs, act)
  } catch (error) {
    logFault('perform', error, {
      job_id: jobId,
      failed: failed.type === 'debtFailed' ? `${failed.debt}Failed` : failed.type,
    })
    return failed
  }
}

/** An attempt's own endpoint, whether or not the settings still contain it; without one, the current `default`. */
function runpodOf({ settings }: World, endpoint: Endpoint | null): RunpodSettings | null {
  const url = endpoint?.url ?? settings?.endpoints.get(DEFAULT_ENDPOINT)?.url
  return url && settings?.runpodApiKey ? { endpoint: url, apiKey: settings.runpodApiKey } : null
}

function laneOf({ env }: World, name: string) {
  return env.LANE.getByName(name)
}

/** Checks that all required settings are set, then asks the endpoint's lane. */
async function ask(effect: Extract<Effect, { type: 'ask' }>, job: Job, world: World): Promise<Fact> {
  const { next, endpoint: name } = effect
  const { settings } = world
  const named = settings?.endpoints.get(name)
  const means = meansOf(settings, job)
  if (typeof means === 'string') return { type: 'notConfigured', next, missing: means }
  if (!named)
    return { type: 'notConfigured', next, missing: `The settings name no RunPod endpoint “${name}”.` }
  const { places, ...endpoint } = named
  const isLent = places !== null
  if (isLent && !effect.isOwed) return { type: 'placeNeeded', next, endpoint: name }
  return askForPlace(effect, { endpoint, isLent }, job, laneOf(world, name), world.isWatched())
}

/** `/status` and, for a queued job, `/health`, which explains the wait. */
async function poll(effect: Extract<Effect, { type: 'poll' }>, runpod: RunpodSettings | null): Promise<Fact> {
  const { ref, runpodJobId } = effect
  if (!runpod) return { type: 'pollFailed', ref }
  const [seen, workers] = await Promise.all([
    status(runpod, runpodJobId),
    effect.withHealth ? health(runpod, Date.now()) : null,
  ])
  if (seen.kind === 'failed') return { type: 'pollFailed', ref }
  return {
    type: 'observed',
    ref,
    source: 'poll',
    runpodJobId,
    observation: seen.observation,
    health: workers,
  }
}

async function mirror(job: Job, world: World, signal: AbortSignal): Promise<Fact> {
  const row = mirrorRowOf(job)
  if (!row) return { type: 'debtPaid', debt: 'mirror', version: job.version }
  const written = world.mirrored.get(job.request)
  // The Worker writes to the row of an ended job before it begins a new round.
  const last = written?.round === row.round ? written : null
  // Until this write is answered the content of D1 is unknown: the write may succeed and its answer be lost.
  world.mirrored.delete(job.request)
  await writeMirror(world.env.DB, job, row, last, Date.now(), signal)
  signal.throwIfAborted()
  world.mirrored.set(job.request, row)
  return { type: 'debtPaid', debt: 'mirror', version: row.version, counted: countedOf(row) }
}

/** Removes every output, and the input if it is this project's own upload and no other job uses it. */
async function removeVideos(job: Job, env: ActorEnv, signal: AbortSignal): Promise<void> {
  const { id, inputVideoKey, projectId } = job.request
  await removeUnder(env.VIDEOS, outputPrefix(id), [], signal)
  if (!inputVideoKey.startsWith(INPUT_PREFIX)) return
  const input = await ownObject(env.VIDEOS, inputVideoKey, projectId)
  signal.throwIfAborted()
  if (!input) return
  const use = await useOfInput(env.DB, inputVideoKey, id, input.uploaded.getTime())
  signal.throwIfAborted()
  if (use === 'unused') await env.VIDEOS.delete(inputVideoKey)
  if (use === 'unknown') logFault('input_kept', LIST_IS_YOUNGER, { job_id: id, key: inputVideoKey })
  signal.throwIfAborted()
}

const LIST_IS_YOUNGER = 'The list does not go back as far as this upload, so other jobs may need it.'
