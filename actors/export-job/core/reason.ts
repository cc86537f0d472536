/** Why the job is where it is, and what happens next: whole sentences with absolute instants, for people. */
import { latestAttempt } from './attempts.ts'
import type { EndpointHealth, Job } from './job.ts'
import { type ClockName, clocks } from './schedule.ts'

export function reasonOf(job: Job): string {
  const { phase, request } = job
  const latest = latestAttempt(job)
  const which = `Attempt ${latest?.attempt ?? 1} of ${request.policy.maxAttempts}`
  switch (phase.status) {
    case 'pending':
      if (phase.step === 'dispatching') {
        return phase.ambiguous
          ? `RunPod did not say whether it took ${which.toLowerCase()}; waiting for its worker to report.`
          : `${which} is being sent to RunPod.`
      }
      if (!phase.failure) return 'Accepted; the first attempt is about to be sent to RunPod.'
      return phase.exhausted
        ? `${which} failed: ${phase.failure.message} No attempt is left; its output is looked for once more.`
        : `${which} failed: ${phase.failure.message} The next one starts after a pause.`
    case 'queued':
      return `${which} waits in RunPod's queue.${workersSentence(phase.health)}`
    case 'processing':
      if (phase.step === 'verifying')
        return `${which} reported completion; its output is being looked for in storage.`
      if (phase.pollFailures > 0)
        return `${which} has fallen silent and RunPod could not be asked about it yet.`
      return `${which} is ${job.progress.stage ?? 'running'} on RunPod.`
    case 'cancelling':
      return latest?.runpodJobId
        ? 'Cancel was requested; RunPod has not confirmed it yet.'
        : 'Cancel was requested; the RunPod job is told to stop as soon as its id is known.'
    case 'complete':
      return 'The result is stored and was seen in storage.'
    case 'error':
      return phase.failure.message
    case 'cancelled':
      return phase.confirmed
        ? 'Cancelled; nothing of it runs at RunPod.'
        : 'Cancelled here, but RunPod has not confirmed that it stopped; it is told again until it does.'
    case 'deleting':
    case 'gone':
      return 'Being deleted.'
  }
}

function workersSentence(health: EndpointHealth | null): string {
  if (!health) return ''
  if (health.idle > 0) return ` RunPod has ${count(health.idle, 'idle worker')}.`
  const busy = [
    health.running > 0 && `${health.running} running`,
    health.throttled > 0 && `${health.throttled} throttled`,
    health.initializing > 0 && `${health.initializing} starting`,
  ].filter((part) => part !== false)
  return ` RunPod has no idle worker${busy.length > 0 ? ` (${busy.join(', ')})` : ''} and ${count(health.inQueue, 'job')} in its queue.`
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

/** What happens when a clock rings, as words that go on after "next:". */
export const WHAT: Record<ClockName, string> = {
  dispatch: 'send the next attempt to RunPod',
  look: 'look for the last attempt’s output in storage',
  dispatch_grace: 'write the attempt off if no report has come',
  queue_check: 'ask RunPod whether a worker took it',
  queue_timeout: 'give up waiting for a worker',
  stall: 'ask RunPod if no report has come',
  execution: 'stop the attempt at its execution timeout',
  verify: 'look for the output in storage',
  cancel_give_up: 'give up waiting for RunPod to confirm the cancel',
  deadline: 'end the job at its deadline',
  mirror: 'write the job to the list',
  owed_cancel: 'tell RunPod again to stop the job',
  sweep: 'remove stale files of the job',
  archive: 'retire the job',
  erase: 'erase what is left of the job',
  webhook: 'tell the webhook’s receiver again',
  retention: 'delete the videos and retire the job',
}

const HOUSEKEEPING: readonly ClockName[] = ['mirror', 'sweep', 'webhook']

/** The next clock that means something to people; housekeeping is named only when nothing else is ahead. */
export function nextActionOf(job: Job): { at: string; what: string } | null {
  const all = clocks(job).sort((a, b) => a.at - b.at)
  const told = all.find((clock) => !HOUSEKEEPING.includes(clock.name)) ?? all[0]
  return told ? { at: new Date(told.at).toISOString(), what: WHAT[told.name] } : null
}
