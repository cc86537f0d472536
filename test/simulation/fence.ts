/** Checks that only the current attempt counts: a report about any other changes nothing, and its worker is stopped. */
import type { Event, Step } from '../../actors/export-job/core/events.ts'
import type { Attempt, AttemptRef, Job } from '../../actors/export-job/core/job.ts'

interface Failing {
  fail(promise: string, detail?: string): never
  /** RunPod received a cancel of a run, or the cancel is owed. */
  wasToldToCancel(runpodJobId: string, job: Job): boolean
}

type Spoken = Extract<Event, { ref: AttemptRef }>

const PROMISE = 'only the current attempt counts'

export function checkFence(watch: Failing, before: Job, event: Event, step: Step): void {
  if (!('ref' in event)) return
  const { job } = step
  if (!isClosed(before, event)) return
  const what = `${event.type} of ${event.ref.round}-${event.ref.attempt} while ${before.phase.status}`
  if (job.phase !== before.phase && !isConfirmation(before, job))
    watch.fail(PROMISE, `${what} changed the phase`)
  if (job.progress !== before.progress) watch.fail(PROMISE, `${what} changed the progress`)
  if (job.attempts.length !== before.attempts.length) watch.fail(PROMISE, `${what} changed the attempts`)
  for (const [i, attempt] of job.attempts.entries()) {
    const isOther = !isSame(attempt, event.ref) && job.phase.status === before.phase.status
    if (isOther && attempt !== before.attempts[i]) watch.fail(PROMISE, `${what} changed another attempt`)
  }
  if (event.type !== 'progressed') return
  if (!(step.reply.ok && step.reply.cancel)) watch.fail(PROMISE, `${what} was not told to stop`)
  // It may have ended since.
  if (isOvertaken(before, event)) return
  if (event.runpodJobId !== null && !watch.wasToldToCancel(event.runpodJobId, job)) {
    watch.fail(PROMISE, `${what} is not cancelled at RunPod`)
  }
}

/** The same worker has sent a later report, by its own numbers. */
export function isOvertaken(job: Job, event: Event): boolean {
  if (!('ref' in event) || !('n' in event) || event.n == null || event.instance == null) return false
  if (event.type === 'lineSeen') return false
  const said = job.attempts.find((attempt) => isSame(attempt, event.ref))?.said
  return said !== undefined && said.instance === event.instance && event.n < said.n
}

/** Derived from the previous state, without the core. */
function isClosed(job: Job, event: Spoken): boolean {
  const { phase } = job
  if (phase.status !== 'pending' && phase.status !== 'queued' && phase.status !== 'processing') return true
  const newest = job.attempts.filter((attempt) => attempt.round === job.round).at(-1)
  if (!newest || !isSame(newest, event.ref)) return true
  if (isStranger(newest, event)) return true
  if (phase.status !== 'pending' || phase.step === 'dispatching') return false
  switch (event.type) {
    case 'completed':
    case 'outputSeen':
    case 'outputAbsent':
    case 'lookFailed':
      return false
    case 'observed':
      return event.observation.state !== 'completed'
    default:
      return true
  }
}

function isStranger(attempt: Attempt, event: Spoken): boolean {
  if (!('runpodJobId' in event) || event.type === 'dispatched') return false
  return (
    event.runpodJobId !== null && attempt.runpodJobId !== null && event.runpodJobId !== attempt.runpodJobId
  )
}

/** An answer from RunPod may end a requested cancel, or confirm it late, and nothing else. */
function isConfirmation(before: Job, after: Job): boolean {
  const was = before.phase.status
  return after.phase.status === 'cancelled' && (was === 'cancelling' || was === 'cancelled')
}

function isSame(a: AttemptRef, b: AttemptRef): boolean {
  return a.round === b.round && a.attempt === b.attempt
}
