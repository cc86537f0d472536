/** The only place that acts on the world for a job: an effect goes in, its answer comes back as the next fact. */
import type { ActorEnv } from '../env.ts'
import { logFault } from '../log.ts'
import { archiveRow, eraseRow, settleRow, useOfInput, writeMirror } from '../mirror.ts'
import { outputPrefix } from '../owned-file.ts'
import { cancel, health, type RunpodSettings, status } from '../runpod.ts'
import type { Settings } from '../settings.ts'
import { findOutput, ownObject, removeUnder } from '../videos.ts'
import { within } from '../within.ts'
import type { Effect, Fact } from './core/events.ts'
import type { Job, JobRequest } from './core/job.ts'
import { type MirrorRow, mirrorRowOf } from './core/mirror-row.ts'
import { CALL_LIMITS } from './core/schedule.ts'
import { dispatch } from './dispatch.ts'
import { erasureOf } from './erasure.ts'
import { sendWebhook } from './send-webhook.ts'

/** What effects act through. */
export interface World {
  readonly env: ActorEnv
  readonly settings: Settings | null
  /** What this actor last wrote to D1, as far as it remembers. By the request, so that it ends with that very job. */
  readonly mirrored: WeakMap<JobRequest, MirrorRow>
}

/** Performs one effect for the job as it now stands. Never throws: a failure is a fact as well. */
export async function perform(effect: Effect, job: Job, world: World): Promise<Fact> {
  switch (effect.type) {
    case 'dispatch':
      return dispatch(job, effect.attempt, world.env.VIDEOS, world.settings)
    case 'poll':
      return poll(effect, runpodOf(world))
    case 'cancelRemote': {
      const runpod = runpodOf(world)
      const answer = runpod ? await cancel(runpod, effect.runpodJobId) : ({ kind: 'unconfirmed' } as const)
      return { type: 'cancelAnswered', ref: effect.ref, runpodJobId: effect.runpodJobId, answer }
    }
    case 'look':
      return attempted<Fact>(job.request.id, { type: 'lookFailed', ref: effect.ref }, async () => {
        const object = await findOutput(world.env.VIDEOS, effect.outputKey)
        return object
          ? { type: 'outputSeen', ref: effect.ref, object }
          : { type: 'outputAbsent', ref: effect.ref }
      })
    case 'mirror':
      return attempted<Fact>(job.request.id, { type: 'mirrorFailed' }, (signal) => mirror(job, world, signal))
    case 'sweepOutputs':
      return attempted<Fact>(job.request.id, { type: 'sweepFailed' }, async (signal) => {
        await removeUnder(world.env.VIDEOS, outputPrefix(job.request.id), effect.keep, signal)
        return { type: 'swept' }
      })
    case 'archive':
      return attempted<Fact>(job.request.id, { type: 'archiveFailed' }, async (signal) => {
        await removeVideos(job, world.env, signal)
        await archiveRow(world.env.DB, job, mirrorRowOf(job), Date.now())
        return { type: 'archived' }
      })
    case 'erase':
      return attempted<Fact>(job.request.id, { type: 'eraseFailed' }, async (signal) => {
        await removeVideos(job, world.env, signal)
        const erasure = erasureOf(job)
        if (erasure) await eraseRow(world.env.DB, job, erasure, Date.now())
        return { type: 'erased' }
      })
    case 'deliver':
      return sendWebhook(effect.id, job, world.settings)
  }
}

/** The actor is empty. When D1 does not answer now, the sweep finds the row overdue and no actor behind it. */
export async function settled(jobId: string, { env }: World): Promise<void> {
  try {
    await within(CALL_LIMITS.storeMs, () => settleRow(env.DB, jobId))
  } catch (error) {
    logFault('perform', error, { job_id: jobId, failed: 'settled' })
  }
}

/** An errand to D1 or R2, within its time limit; when it fails or hangs, that is the fact. */
async function attempted<F extends Fact>(
  jobId: string,
  failed: F,
  act: (signal: AbortSignal) => Promise<F>,
): Promise<F> {
  try {
    return await within(CALL_LIMITS.storeMs, act)
  } catch (error) {
    logFault('perform', error, { job_id: jobId, failed: failed.type })
    return failed
  }
}

function runpodOf({ settings }: World): RunpodSettings | null {
  if (!settings?.runpodEndpoint || !settings.runpodApiKey) return null
  return { endpoint: settings.runpodEndpoint, apiKey: settings.runpodApiKey }
}

/** `/status` and, for a job in the queue, `/health`: the reason why it waits. */
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
  if (!row) return { type: 'mirrored', version: job.version }
  const last = world.mirrored.get(job.request) ?? null
  // Until this write is answered nobody knows what D1 holds: it may have taken it and failed to say so.
  world.mirrored.delete(job.request)
  await writeMirror(world.env.DB, job, row, last, Date.now(), signal)
  signal.throwIfAborted()
  world.mirrored.set(job.request, row)
  return { type: 'mirrored', version: row.version }
}

/** Every output, and the input if it is this project's own and no other job uses it. */
async function removeVideos(job: Job, env: ActorEnv, signal: AbortSignal): Promise<void> {
  const { id, inputVideoKey, projectId } = job.request
  await removeUnder(env.VIDEOS, outputPrefix(id), null, signal)
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
