/** Performs an effect in the simulated world: what arrives, and which answer the actor receives. */
import type { CancelAnswer, Effect, Fact } from '../../actors/export-job/core/events.ts'
import type { AttemptRef, Endpoint, Job, RefusalCause } from '../../actors/export-job/core/job.ts'
import { CALL_LIMITS } from '../../actors/export-job/core/policy.ts'
import { type MirrorRow, mirrorRowOf } from '../../actors/export-job/core/shown/mirror-row.ts'
import { failure } from '../../actors/export-job/core/verdicts.ts'
import { ask, tell, tellOutcome } from './perform-lane.ts'
import type { World } from './world.ts'

type Settle = (answer: Fact) => void

/** The process that acts: after its death, messages already sent still arrive, but no more are sent. */
export interface Process {
  readonly world: World
  readonly isAlive: () => boolean
  readonly memory: { lastMirrored: MirrorRow | null }
}
type Dispatch = Extract<Effect, { type: 'dispatch' }>

export function perform(effect: Effect, job: Job, process: Process, settle: Settle): void {
  const { world } = process
  const { network, runpod, bucket, watch } = world
  const { id } = job.request
  const stored = (succeeded: Fact, failed: Fact, to: 'r2' | 'd1', land: () => void) =>
    network.call(to, CALL_LIMITS.storeMs, land, (answer) => settle(answer.kind === 'ok' ? succeeded : failed))
  switch (effect.type) {
    case 'ask':
      return ask(effect, job, world, settle)
    case 'tellLane':
    case 'weigh':
      return tell(effect, job, world, settle)
    case 'dispatch':
      return dispatch(effect, process, settle)
    case 'poll': {
      const { ref, runpodJobId } = effect
      const at = addressOf(effect, world)
      return network.call(
        'runpod',
        CALL_LIMITS.statusMs,
        () => runpod.status(runpodJobId, at),
        (answer) => {
          if (answer.kind !== 'ok') return settle({ type: 'pollFailed', ref })
          const observation = answer.value
          settle({ type: 'observed', ref, source: 'poll', runpodJobId, observation, health: null })
        },
      )
    }
    case 'cancelRemote': {
      const { ref, runpodJobId } = effect
      const at = addressOf(effect, world)
      watch.cancelSent(runpodJobId)
      return network.call(
        'runpod',
        CALL_LIMITS.cancelMs,
        () => runpod.cancel(runpodJobId, at),
        (answer) => {
          const said: CancelAnswer = answer.kind === 'ok' ? answer.value : { kind: 'unconfirmed' }
          const about = { debt: 'cancels', ref, runpodJobId } as const
          if (said.kind === 'unconfirmed') return settle({ type: 'debtFailed', ...about })
          settle({ type: 'debtPaid', ...about, answer: said })
        },
      )
    }
    case 'look':
      return look(effect.ref, effect.outputKey, world, settle)
    case 'mirror': {
      const row = mirrorRowOf(job)
      if (!row)
        return world.clock.after(1, () => settle({ type: 'debtPaid', debt: 'mirror', version: job.version }))
      return mirror(row, process, settle)
    }
    case 'sweepOutputs':
      return stored(
        { type: 'debtPaid', debt: 'staleFiles' },
        { type: 'debtFailed', debt: 'staleFiles' },
        'r2',
        () => {
          bucket.removeUnder(world.outputPrefix, effect.keep)
        },
      )
    case 'archive':
      return twoStores(
        process,
        { type: 'debtPaid', debt: 'archive' },
        { type: 'debtFailed', debt: 'archive' },
        () => world.list.archive(),
        settle,
      )
    case 'erase': {
      world.note(`erase ${id}`)
      const { version, phase } = job
      const hide = () => phase.status === 'deleting' && world.list.hide(version, phase.until)
      return twoStores(
        process,
        { type: 'debtPaid', debt: 'erase' },
        { type: 'debtFailed', debt: 'erase' },
        hide,
        settle,
      )
    }
    case 'deliver':
      return deliver(effect.id, job, world, settle)
    default:
      return effect satisfies never
  }
}

/** The endpoint to which an attempt was sent; if unknown, the current one of the settings. */
function addressOf({ endpoint }: { endpoint: Endpoint | null }, world: World): string {
  return (endpoint ?? world.endpoint)?.url ?? ''
}

function deliver(id: string, job: Job, { receiver, clock }: World, settle: Settle): void {
  const sentAt = clock.now
  receiver.post(id, job, ({ status, retryAfterMs }) => {
    const latencyMs = clock.now - sentAt
    if (status !== null && status < 300)
      return settle({ type: 'debtPaid', debt: 'webhooks', id, status, latencyMs })
    const detail = 'It was not taken.'
    settle({
      type: 'debtFailed',
      debt: 'webhooks',
      id,
      status,
      latencyMs,
      detail,
      gone: status === 410,
      retryAfterMs,
    })
  })
}

/** The content of D1 is known again only after its answer. */
function mirror(row: MirrorRow, { world, memory }: Process, settle: Settle): void {
  const last = memory.lastMirrored
  memory.lastMirrored = null
  const land = () => world.list.write(row, last)
  world.network.call('d1', CALL_LIMITS.storeMs, land, (answer) => {
    if (answer.kind !== 'ok') return settle({ type: 'debtFailed', debt: 'mirror' })
    memory.lastMirrored = row
    settle({ type: 'debtPaid', debt: 'mirror', version: row.version })
  })
}

/** Checks the input, calls `/run`, and notifies the lane before a refusal is applied. */
function dispatch(effect: Dispatch, { world, isAlive }: Process, afterTelling: Settle): void {
  const { attempt, endpoint } = effect
  const settle: Settle = (fact) => isAlive() && tellOutcome(effect, fact, world, afterTelling)
  const ref: AttemptRef = { round: attempt.round, attempt: attempt.attempt }
  const refuse = (code: string, cause: RefusalCause) =>
    settle({
      type: 'dispatchRefused',
      ref,
      failure: failure(code, 'It was refused.', cause !== 'job'),
      cause,
      retryAfterMs: world.chance.percent(20) ? 7_000 : null,
    })
  const input = () => world.bucket.head(world.inputKey)
  world.network.call('r2', CALL_LIMITS.storeMs, input, (seen) => {
    if (!isAlive()) return
    if (seen.kind !== 'ok') return refuse('storage_unavailable', 'storage')
    if (!seen.value) return refuse('input_not_found', 'job')
    if (world.isFaulty && world.chance.percent(world.plan.rates.reject))
      return refuse('dispatch_rejected', 'job')
    const land = () => {
      world.watch.runReceived(ref)
      const job = world.runpod.run(attempt, endpoint.url)
      job.disowned = world.isFaulty && world.chance.percent(world.plan.rates.disown)
      return job
    }
    world.network.call('runpod', CALL_LIMITS.runMs, land, (answer) => {
      if (answer.kind === 'ok' && answer.value.disowned) refuse('runpod_busy', 'runpod')
      else if (answer.kind === 'ok') settle({ type: 'dispatched', ref, runpodJobId: answer.value.id })
      else if (answer.kind === 'refused')
        refuse(world.chance.percent(30) ? 'runpod_unauthorized' : 'runpod_busy', 'runpod')
      else settle({ type: 'dispatchAmbiguous', ref, detail: 'no answer' })
    })
  })
}

function look(ref: AttemptRef, outputKey: string, world: World, settle: Settle): void {
  const land = () => {
    const object = world.bucket.output(outputKey)
    world.watch.looked(outputKey, object !== null)
    return object
  }
  world.network.call('r2', CALL_LIMITS.storeMs, land, (answer) => {
    if (answer.kind !== 'ok') return settle({ type: 'lookFailed', ref })
    settle(answer.value ? { type: 'outputSeen', ref, object: answer.value } : { type: 'outputAbsent', ref })
  })
}

/** Objects first, then the row: either may fail, after the first has succeeded. */
function twoStores(process: Process, succeeded: Fact, failed: Fact, then: () => void, settle: Settle): void {
  const { world, isAlive } = process
  const { network, bucket } = world
  const remove = () => {
    bucket.removeUnder(world.outputPrefix, [])
    bucket.delete(world.inputKey)
  }
  network.call('r2', CALL_LIMITS.storeMs, remove, (removed) => {
    if (!isAlive()) return
    if (removed.kind !== 'ok') return settle(failed)
    network.call('d1', CALL_LIMITS.storeMs, then, (written) =>
      settle(written.kind === 'ok' ? succeeded : failed),
    )
  })
}
