/** Stories that bring a job to each state of the diagram, to be continued by tests. */
import {
  aJob,
  CANCEL,
  cancelAnswered,
  completed,
  dispatchAmbiguous,
  dispatched,
  dispatchWeighed,
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
} from './builders.ts'
import { given, type Story } from './given.ts'

/** Accepted, due now. */
export function anAcceptedJob(request: RequestOverrides = {}): Story {
  return given(aJob({ request }), T0)
}

/** Attempt 1 is committed and about to be sent to RunPod. */
export function aDispatchingJob(request: RequestOverrides = {}): Story {
  return anAcceptedJob(request).dispatches(T0)
}

/** `/run` was sent without a clear answer. */
export function anAmbiguousJob(request: RequestOverrides = {}): Story {
  return aDispatchingJob(request).when(dispatchAmbiguous(), T0 + 15 * SECOND)
}

/** Written off: no worker has reported, and RunPod accepted other jobs in the meantime. */
export function aLostJob(request: RequestOverrides = {}): Story {
  return anAmbiguousJob(request).wakes().when(dispatchWeighed(true))
}

/** RunPod accepted attempt 1 a second after T0. */
export function aQueuedJob(request: RequestOverrides = {}): Story {
  return aDispatchingJob(request).when(dispatched(), T0 + SECOND)
}

/** A worker reported its first progress ten seconds after T0, and the row is written. */
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

/** Attempt 1 failed at T0 + 20 s; the next one waits for its backoff and the check of storage. */
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

/** The second attempt runs; the first reported its own failure, so nothing of it is owed. */
export function aSecondAttempt(request: RequestOverrides = {}): Story {
  const second = aWaitingJob(request).wakes().when(outputAbsent()).dispatches()
  const queued = second.when(dispatched(ref(2), 'rp-2-u1'), second.now + SECOND)
  return acknowledged(
    queued.when(progressed(5, { ref: ref(2), runpodJobId: 'rp-2-u1' }), queued.now + SECOND),
  )
}

/** D1 acknowledged the row: nothing of the mirror is owed. */
export function acknowledged(story: Story): Story {
  return story.job.outbox.mirror ? story.when(mirrored(story.job.version)) : story
}
