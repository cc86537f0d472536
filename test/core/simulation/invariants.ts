/**
 * What must be true of every run, told from outside: by what lies in R2 and D1, what RunPod's books say and what was
 * committed. Only the job's own words are taken from the core, none of its decisions.
 */
import type { Event, Step } from '../../../actors/export-job/core/events.ts'
import type { AttemptRef, Job, Phase } from '../../../actors/export-job/core/job.ts'
import { changedColumns, type MirrorRow } from '../../../actors/export-job/core/mirror-row.ts'
import { owedCancels, owesNothing, wakeAt } from '../../../actors/export-job/core/schedule.ts'
import { checkFence } from './fence.ts'
import type { RemoteJob } from './runpod.ts'
import type { ListRow } from './stores.ts'
import type { World } from './world.ts'

export class BrokenPromise extends Error {}

const MOST_RINGS = 8_000
const PROGRESS_LOST_MS = 10_000
/** An end may come later than its deadline by the platform's own retries, not by more. */
const SLACK_MS = 10 * 60_000
/** How much older than the end of an attempt the look that missed its file may be. */
const LOOK_MS = 45_000
/** Ends that no look for a finished file precedes. */
const WITHOUT_LOOK = new Set(['deadline_exceeded', 'runaway'])

type Status = Phase['status']

export class Watch {
  readonly #world: World
  readonly #looks = new Map<string, { at: number; seen: boolean }>()
  readonly #failedAt = new Map<string, number>()
  readonly #received = new Set<string>()
  readonly #cancelsSent = new Set<string>()
  readonly lines: string[] = []
  #version = 0
  #rings = 0
  #retired: Status | null = null
  lastStatus: Status = 'pending'
  left: 'archived' | 'erased' | null = null
  lateReports = 0
  rescues = 0

  constructor(world: World) {
    this.#world = world
  }

  get rings(): number {
    return this.#rings
  }

  fail(promise: string, detail = ''): never {
    throw new BrokenPromise(detail ? `${promise}: ${detail}` : promise)
  }

  /** Every decision, whether it will be committed or not. */
  decided(before: Job, event: Event, _now: number, step: Step): void {
    const was = before.phase.status
    const is = step.job.phase.status
    const hasEnded =
      was === 'complete' || was === 'error' || was === 'cancelled' || was === 'deleting' || was === 'gone'
    if (hasEnded && was !== is && !leavesBy(event))
      this.fail('ended stays ended', `${was} -> ${is} by ${event.type}`)
    if (step.effects.length > 0 && event.type !== 'wake') this.fail('only the alarm acts', event.type)
    if (is !== 'gone' && wakeAt(step.job) === null) this.fail('an unfinished job has a wake time', is)
    if (is === 'complete' && was !== 'complete') this.#completed(step.job)
    if (is === 'error' && event.type === 'failed' && isVerifying(before)) this.#endedWhileVerifying(step.job)
    if (step.effects.some((effect) => effect.type === 'archive')) this.#retires(step.job)
    checkFence(this, before, event, step)
  }

  committed(step: Step): void {
    const { job, log } = step
    const world = this.#world
    const { version } = job
    if (version < this.#version || version > this.#version + 1)
      this.fail('versions count up by one', `${version}`)
    this.#version = version
    this.lastStatus = job.phase.status
    for (const line of log) {
      this.lines.push(line.type)
      world.note(
        `  #${this.lines.length} ${line.type} ${line.ref ? nameOf(line.ref) : ''} ${JSON.stringify(line.data)}`,
      )
      world.receiver.committed(line.type, version, line.data)
      if (line.type === 'wakes_throttled') this.fail('wakes are bounded', 'the breaker tripped')
      if (line.type === 'late_report') this.lateReports++
      if (line.type === 'output_found') this.rescues++
      if (line.type === 'attempt_failed' && line.ref) this.#failedAt.set(nameOf(line.ref), world.clock.now)
      if (line.type === 'attempt_started' && line.ref) this.#started(job, line.ref)
      if (line.type === 'error') this.#endedInError(job)
      if (['complete', 'error', 'cancelled'].includes(line.type)) this.#ended(job)
    }
    if (world.actor.disk.log.length !== this.lines.length) this.fail('the log has no gap')
    const open = job.attempts.filter((attempt) => attempt.endedAt === null && attempt.round === job.round)
    if (open.length > 1) this.fail('one current attempt', open.map(nameOf).join())
    if (job.phase.status === 'cancelled' && job.phase.confirmed) this.#confirmed()
  }

  /** `/run` reached RunPod. */
  runReceived(ref: AttemptRef): void {
    const name = nameOf(ref)
    if (this.#received.has(name)) this.fail('an attempt is dispatched once', name)
    this.#received.add(name)
    const { job } = this.#world.actor.disk
    if (!job?.attempts.some((attempt) => nameOf(attempt) === name)) this.fail('saved before sent', name)
  }

  cancelSent(runpodJobId: string): void {
    this.#cancelsSent.add(runpodJobId)
  }

  wasToldToCancel(runpodJobId: string, job: Job): boolean {
    return (
      this.#cancelsSent.has(runpodJobId) || owedCancels(job).some((owed) => owed.runpodJobId === runpodJobId)
    )
  }

  looked(key: string, seen: boolean): void {
    this.#looks.set(key, { at: this.#world.clock.now, seen })
  }

  listWritten(before: ListRow | null, after: ListRow, told: MirrorRow): void {
    this.#world.note(`D1: ${after.status}, version ${after.version}`)
    if (before && after.version < before.version) {
      this.fail('the list never goes backwards', `${before.version} -> ${after.version}`)
    }
    // Of two writes of one version the earlier may land last. The sweep repairs when it comes back to the row.
    const wrong = changedColumns({ ...told, due_at: after.due_at }, after).map(([name]) => name)
    if (wrong.length > 0) this.fail('the list says what the actor says', wrong.join())
  }

  rang(): void {
    if (++this.#rings > MOST_RINGS) this.fail('wakes are bounded', `${this.#rings} alarms`)
  }

  /** The process is about to lose its memory: only the progress of the last seconds may be in it alone. */
  forgets(memory: Job): void {
    const { job: disk } = this.#world.actor.disk
    if (!disk) return
    const { status } = memory.phase
    if (status === 'gone') return
    const sameEvents = status === disk.phase.status && memory.attempts.length === disk.attempts.length
    if (!sameEvents || memory.version > disk.version) this.fail('a crash loses no event', status)
    const stored = Math.max(disk.savedAt, disk.progress.reportedAt ?? 0)
    const lostMs = (memory.progress.reportedAt ?? 0) - stored
    if (lostMs >= PROGRESS_LOST_MS) this.fail('a crash loses at most 10 s of progress', `${lostMs} ms`)
  }

  /** Nothing runs in the actor: the alarm must be set, and early enough. */
  rests(job: Job | null): void {
    const at = job && wakeAt(job)
    const { actor, alarmsLost } = this.#world
    if (at === null || alarmsLost > 0) return
    const { alarmAt } = actor.disk
    // Progress that was in memory only put the alarm off, and was forgotten: it rings those seconds late.
    if (alarmAt === null || alarmAt > at + PROGRESS_LOST_MS)
      this.fail('an unfinished job has an alarm', `${alarmAt} instead of ${at}`)
  }

  /** The alarm has done its work. */
  settled(job: Job | null): void {
    if (!job || job.phase.status === 'gone') return
    const { actor, bucket, isFaulty } = this.#world
    if (!('endedAt' in job.phase) || !owesNothing(job)) return
    const { alarmAt } = actor.disk
    if (alarmAt !== null && alarmAt !== job.phase.expiresAt && !job.outbox.archive) this.fail('idle is free')
    if (job.phase.status === 'complete' && !job.outbox.archive && !bucket.head(job.phase.output.key)) {
      this.fail('the output of a complete job is kept')
    }
    if (!isFaulty) this.#checkStopped(job, 'when nothing is owed')
  }

  vanished(how: 'archived' | 'erased'): void {
    this.left = how
    this.#world.note(`the actor is empty: ${how}`)
    const { row } = this.#world.list
    if (how === 'archived' && row?.status !== this.lastStatus) {
      this.fail('the list converges', `${row?.status} instead of ${this.lastStatus}`)
    }
  }

  /** Nothing is left to happen. */
  atRest(): void {
    const { actor, list, bucket, outputPrefix, inputKey } = this.#world
    const { job } = actor.disk
    // However many alarms were lost: the sweep finds the job by its row until the actor is empty.
    if (job) this.fail('an accepted job ends', `it rests as ${job.phase.status}`)
    if (bucket.keysUnder(outputPrefix).length > 0) this.fail('nothing is left in R2', this.left ?? '')
    if (bucket.head(inputKey)) this.fail('nothing is left in R2', 'the input')
    if (this.left === 'erased' && list.row) this.fail('nothing of a deleted job remains', 'its row')
    if (this.left === 'archived') this.#world.receiver.atRest()
    if (this.left === 'archived' && !list.row?.archived) this.fail('an archived job keeps its row')
    if (list.row && list.row.due_at !== null) this.fail('nothing is due for an empty actor', list.row.status)
  }

  #completed({ phase }: Job): void {
    if (phase.status !== 'complete') return
    const object = this.#world.bucket.head(phase.output.key)
    if (!object || object.size !== phase.output.size) this.fail('complete means there', phase.output.key)
  }

  /** It was said to be stored, and it is: whatever else is said then, R2 decides. */
  #endedWhileVerifying(job: Job): void {
    const key = job.attempts.at(-1)?.outputKey
    if (key && this.#world.bucket.head(key))
      this.fail('a finished output is found', `${key} was being verified`)
  }

  #retires({ phase, outbox }: Job): void {
    if (outbox.archive?.tries !== 0) return
    const { bucket, outputPrefix } = this.#world
    const kept = phase.status === 'complete' ? phase.output.key : null
    const stale = bucket.keysUnder(outputPrefix).filter((key) => key !== kept)
    if (stale.length > 0 && this.#retired === null) this.fail('stale files are swept', stale.join())
    this.#retired = phase.status
  }

  #started(job: Job, ref: AttemptRef): void {
    const last = job.attempts.find((each) => each.round === ref.round && each.attempt === ref.attempt - 1)
    if (last) this.#checkRescued(last, 'a finished output is never paid for again')
    this.#checkStopped(job, 'before the next attempt')
  }

  #endedInError(job: Job): void {
    const last = job.attempts.at(-1)
    if (job.phase.status !== 'error' || !last || last.round !== job.round) return
    const { code, retryable } = job.phase.failure
    if (retryable && !WITHOUT_LOOK.has(code)) this.#checkRescued(last, `a finished output is found (${code})`)
  }

  /** A file that stands must have come after a look that missed it, and that look after the attempt was given up. */
  #checkRescued(attempt: Job['attempts'][number], promise: string): void {
    if (this.#world.bucket.putAt(attempt.outputKey) === null) return
    const look = this.#looks.get(attempt.outputKey)
    const failedAt = this.#failedAt.get(nameOf(attempt)) ?? Number.POSITIVE_INFINITY
    if (!look || look.seen || look.at < failedAt - LOOK_MS) this.fail(promise, nameOf(attempt))
  }

  /** Whatever runs in RunPod's books under an id that was learnt, and is not waited for, was told to stop. */
  #checkStopped(job: Job, when: string): void {
    // A clock that jumped past the ttl believes that RunPod has deleted what it still runs.
    if (this.#world.plan.jumps.length > 0) return
    const winner = job.phase.status === 'complete' ? nameOf(job.phase.winner) : null
    for (const attempt of job.attempts) {
      if (attempt.endedAt === null || nameOf(attempt) === winner) continue
      const remote = this.#world.runpod.jobs.find((each) => each.id === attempt.runpodJobId)
      if (remote && isRunning(remote) && !this.#cancelsSent.has(remote.id)) {
        this.fail('never two unfenced runs', `${remote.id} was not told to stop ${when}`)
      }
    }
  }

  #ended(job: Job): void {
    const { wall, alarmsLost, skewMs } = this.#world
    const deadlineAt = job.extendedDeadlineAt ?? job.roundStartedAt + job.request.policy.deadlineMs
    const lateMs = wall - deadlineAt
    if (alarmsLost === 0 && lateMs > SLACK_MS + Math.abs(skewMs))
      this.fail('a job ends by its deadline', `${lateMs} ms late`)
  }

  #confirmed(): void {
    if (this.#world.plan.jumps.length > 0) return
    const { runpod, wall } = this.#world
    // A slow `/run` starts RunPod's ttl some seconds after ours.
    const running = runpod.jobs.find(
      (remote) => isRunning(remote) && !remote.disowned && wall < remote.putUntil,
    )
    if (running) this.fail('cancel is honest', `${running.id} is ${running.state}`)
  }
}

/** By RunPod's books, and not about to return by itself. */
function isRunning({ state, returning, hasTwin }: RemoteJob): boolean {
  return (state === 'queued' || state === 'running') && !returning && !hasTwin
}

function isVerifying({ phase }: Job): boolean {
  return phase.status === 'processing' && phase.step === 'verifying'
}

function leavesBy(event: Event): boolean {
  return ['retry', 'retryNow', 'delete', 'archived', 'erased'].includes(event.type)
}

export function nameOf(ref: AttemptRef): string {
  return `${ref.round}-${ref.attempt}`
}
