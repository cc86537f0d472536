/** Performs an effect in the simulated world: what lands, and what the actor hears of it. */
import type { CancelAnswer, Effect, Fact } from '../../../actors/export-job/core/events.ts'
import type { AttemptRef, Job } from '../../../actors/export-job/core/job.ts'
import { type MirrorRow, mirrorRowOf } from '../../../actors/export-job/core/mirror-row.ts'
import { CALL_LIMITS } from '../../../actors/export-job/core/schedule.ts'
import { failure } from '../../../actors/export-job/core/verdicts.ts'
import type { World } from './world.ts'

type Heard = (answer: Fact) => void

/** The process that acts: when it has died, what it sent still lands, but it sends nothing more. */
export interface Process {
  readonly world: World
  readonly isAlive: () => boolean
  readonly memory: { lastMirrored: MirrorRow | null }
}
type Dispatch = Extract<Effect, { type: 'dispatch' }>

export function perform(effect: Effect, job: Job, process: Process, heard: Heard): void {
  const { world } = process
  const { network, runpod, bucket, watch } = world
  const { id } = job.request
  const stored = (succeeded: Fact, failed: Fact, to: 'r2' | 'd1', land: () => void) =>
    network.call(to, CALL_LIMITS.storeMs, land, (answer) => heard(answer.kind === 'ok' ? succeeded : failed))
  switch (effect.type) {
    case 'dispatch':
      return dispatch(effect, process, heard)
    case 'poll': {
      const { ref, runpodJobId } = effect
      return network.call(
        'runpod',
        CALL_LIMITS.statusMs,
        () => runpod.status(runpodJobId),
        (answer) => {
          if (answer.kind !== 'ok') return heard({ type: 'pollFailed', ref })
          const observation = answer.value
          heard({ type: 'observed', ref, source: 'poll', runpodJobId, observation, health: null })
        },
      )
    }
    case 'cancelRemote': {
      const { ref, runpodJobId } = effect
      watch.cancelSent(runpodJobId)
      return network.call(
        'runpod',
        CALL_LIMITS.cancelMs,
        () => runpod.cancel(runpodJobId),
        (answer) => {
          const said: CancelAnswer = answer.kind === 'ok' ? answer.value : { kind: 'unconfirmed' }
          heard({ type: 'cancelAnswered', ref, runpodJobId, answer: said })
        },
      )
    }
    case 'look':
      return look(effect.ref, effect.outputKey, world, heard)
    case 'mirror': {
      const row = mirrorRowOf(job)
      if (!row) return world.clock.after(1, () => heard({ type: 'mirrored', version: job.version }))
      return mirror(row, process, heard)
    }
    case 'sweepOutputs':
      return stored({ type: 'swept' }, { type: 'sweepFailed' }, 'r2', () => {
        bucket.removeUnder(world.outputPrefix, effect.keep)
      })
    case 'archive':
      return twoStores(
        process,
        { type: 'archived' },
        { type: 'archiveFailed' },
        () => world.list.archive(),
        heard,
      )
    case 'erase': {
      world.note(`erase ${id}`)
      const { version, phase } = job
      const hide = () => phase.status === 'deleting' && world.list.hide(version, phase.until)
      return twoStores(process, { type: 'erased' }, { type: 'eraseFailed' }, hide, heard)
    }
    case 'deliver':
      return deliver(effect.id, job, world, heard)
  }
}

function deliver(id: string, job: Job, { receiver, clock }: World, heard: Heard): void {
  const sentAt = clock.now
  receiver.post(id, job, ({ status, retryAfterMs }) => {
    const latencyMs = clock.now - sentAt
    if (status !== null && status < 300) return heard({ type: 'delivered', id, status, latencyMs })
    const detail = 'It was not taken.'
    heard({ type: 'deliveryFailed', id, status, latencyMs, detail, gone: status === 410, retryAfterMs })
  })
}

/** What D1 holds is known again only when it has answered. */
function mirror(row: MirrorRow, { world, memory }: Process, heard: Heard): void {
  const last = memory.lastMirrored
  memory.lastMirrored = null
  const land = () => world.list.write(row, last)
  world.network.call('d1', CALL_LIMITS.storeMs, land, (answer) => {
    if (answer.kind !== 'ok') return heard({ type: 'mirrorFailed' })
    memory.lastMirrored = row
    heard({ type: 'mirrored', version: row.version })
  })
}

/** Looks at the input, then calls `/run`. */
function dispatch({ attempt }: Dispatch, { world, isAlive }: Process, heard: Heard): void {
  const ref: AttemptRef = { round: attempt.round, attempt: attempt.attempt }
  const refuse = (code: string, retryable: boolean) =>
    heard({
      type: 'dispatchRefused',
      ref,
      failure: failure(code, 'It was refused.', retryable),
      retryAfterMs: world.chance.percent(20) ? 7_000 : null,
    })
  const input = () => world.bucket.head(world.inputKey)
  world.network.call('r2', CALL_LIMITS.storeMs, input, (seen) => {
    if (!isAlive()) return
    if (seen.kind !== 'ok') return refuse('storage_unavailable', true)
    if (!seen.value) return refuse('input_not_found', false)
    if (world.isFaulty && world.chance.percent(world.plan.rates.reject))
      return refuse('dispatch_rejected', false)
    const land = () => {
      world.watch.runReceived(ref)
      const job = world.runpod.run(attempt)
      job.disowned = world.isFaulty && world.chance.percent(world.plan.rates.disown)
      return job
    }
    world.network.call('runpod', CALL_LIMITS.runMs, land, (answer) => {
      if (answer.kind === 'ok' && answer.value.disowned) refuse('runpod_busy', true)
      else if (answer.kind === 'ok') heard({ type: 'dispatched', ref, runpodJobId: answer.value.id })
      else if (answer.kind === 'refused') refuse('runpod_busy', true)
      else heard({ type: 'dispatchAmbiguous', ref, detail: 'no answer' })
    })
  })
}

function look(ref: AttemptRef, outputKey: string, world: World, heard: Heard): void {
  const land = () => {
    const object = world.bucket.head(outputKey)
    world.watch.looked(outputKey, object !== null)
    return object
  }
  world.network.call('r2', CALL_LIMITS.storeMs, land, (answer) => {
    if (answer.kind !== 'ok') return heard({ type: 'lookFailed', ref })
    heard(answer.value ? { type: 'outputSeen', ref, object: answer.value } : { type: 'outputAbsent', ref })
  })
}

/** Objects first, then the row: either may fail, and the first may have succeeded then. */
function twoStores(process: Process, succeeded: Fact, failed: Fact, then: () => void, heard: Heard): void {
  const { world, isAlive } = process
  const { network, bucket } = world
  const remove = () => {
    bucket.removeUnder(world.outputPrefix, null)
    bucket.delete(world.inputKey)
  }
  network.call('r2', CALL_LIMITS.storeMs, remove, (removed) => {
    if (!isAlive()) return
    if (removed.kind !== 'ok') return heard(failed)
    network.call('d1', CALL_LIMITS.storeMs, then, (written) =>
      heard(written.kind === 'ok' ? succeeded : failed),
    )
  })
}
