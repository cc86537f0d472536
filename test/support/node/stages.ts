/** Jobs brought to each place of the diagram by the events that lead there, as stories to go on with. */
import {
  aJob,
  CANCEL,
  cancelAnswered,
  completed,
  dispatchAmbiguous,
  dispatched,
  failed,
  mirrored,
  outputAbsent,
  outputSeen,
  progressed,
  type RequestOverrides,
  RUNPOD_ID,
  ref,
  SECOND,
  T0,
  WAKE,
} from './builders.ts'
import { given, type Story } from './given.ts'

/** Accepted, due now. */
export function anAcceptedJob(request: RequestOverrides = {}): Story {
  return given(aJob({ request }), T0)
}

/** Attempt 1 is committed and on its way to RunPod. */
export function aDispatchingJob(request: RequestOverrides = {}): Story {
  return anAcceptedJob(request).when(WAKE, T0)
}

/** `/run` was sent and nobody knows what came of it. */
export function anAmbiguousJob(request: RequestOverrides = {}): Story {
  return aDispatchingJob(request).when(dispatchAmbiguous(), T0 + 15 * SECOND)
}

/** RunPod took attempt 1 a second after T0. */
export function aQueuedJob(request: RequestOverrides = {}): Story {
  return aDispatchingJob(request).when(dispatched(), T0 + SECOND)
}

/** A worker reported its first progress ten seconds after T0; the list knows it. */
export function aRunningJob(request: RequestOverrides = {}): Story {
  return acknowledged(aQueuedJob(request).when(progressed(5, { runpodJobId: RUNPOD_ID }), T0 + 10 * SECOND))
}

/** The worker reported completion twenty seconds after T0. */
export function aVerifyingJob(request: RequestOverrides = {}): Story {
  return acknowledged(aRunningJob(request).when(completed(), T0 + 20 * SECOND))
}

export function aCompleteJob(request: RequestOverrides = {}): Story {
  return acknowledged(
    aVerifyingJob(request)
      .wakes()
      .when(outputSeen(), T0 + 21 * SECOND),
  )
}

/** Attempt 1 failed at T0 + 20 s; the next one waits for its backoff, and its look. */
export function aWaitingJob(request: RequestOverrides = {}): Story {
  return acknowledged(aRunningJob(request).when(failed(), T0 + 20 * SECOND))
}

/** Ended in error after its only attempt; its first sweep is under way. */
export function aFailedJob(request: RequestOverrides = {}): Story {
  const { policy, ...others } = request
  const lastTry = aWaitingJob({ ...others, policy: { maxAttempts: 1, ...policy } })
  return acknowledged(
    lastTry
      .wakes(T0 + 21 * SECOND)
      .when(outputAbsent())
      .wakes(),
  )
}

/** Cancelled by hand at T0 + 20 s while it ran. */
export function aCancellingJob(request: RequestOverrides = {}): Story {
  return aRunningJob(request).when(CANCEL, T0 + 20 * SECOND)
}

export function aCancelledJob(request: RequestOverrides = {}): Story {
  return acknowledged(
    aCancellingJob(request)
      .wakes()
      .when(cancelAnswered('ended'), T0 + 21 * SECOND),
  )
}

/** The second attempt runs; the first was given up with its own word, so nothing of it is owed. */
export function aSecondAttempt(request: RequestOverrides = {}): Story {
  const second = aWaitingJob(request).wakes().when(outputAbsent()).wakes()
  const queued = second.when(dispatched(ref(2), 'rp-2-u1'), second.now + SECOND)
  return acknowledged(
    queued.when(progressed(5, { ref: ref(2), runpodJobId: 'rp-2-u1' }), queued.now + SECOND),
  )
}

/** The list took the row: nothing of the mirror is owed. */
export function acknowledged(story: Story): Story {
  return story.job.outbox.mirror ? story.when(mirrored(story.job.version)) : story
}
