/**
 * The invariants of every run, checked from outside: by the content of R2 and D1, RunPod's records and the commits.
 * Only texts and projections of the job are taken from the core, none of its decisions.
 */

import { nextRef } from '../../actors/export-job/core/attempts.ts'
import { owesNothing } from '../../actors/export-job/core/debts/index.ts'
import { owedPlaces } from '../../actors/export-job/core/debts/places.ts'
import type { Event, Step } from '../../actors/export-job/core/events.ts'
import type { Attempt, AttemptRef, Job, Phase } from '../../actors/export-job/core/job.ts'
import { owedCancels } from '../../actors/export-job/core/remote.ts'
import { wakeAt } from '../../actors/export-job/core/schedule.ts'
import { changedColumns, type MirrorRow } from '../../actors/export-job/core/shown/mirror-row.ts'
import type { LogLine } from '../../wire/events.ts'
import { checkFence, isOvertaken } from './fence.ts'
import type { Wire } from './line.ts'
import type { RemoteJob } from './runpod.ts'
import { Silence } from './silence.ts'
import type { ListRow } from './stores.ts'
import type { World } from './world.ts'

export class BrokenPromise extends Error {}

const MAX_RINGS = 8_000
const PROGRESS_LOST_MS = 30_000
/** An end may be later than its deadline by at most this, for the platform's own retries. */
const SLACK_MS = 10 * 60_000
/** The maximum age, at the end of an attempt, of a check that missed its file. */
const LOOK_MS = 45_000
/** The death of a process on a line is detected within 15 s, plus the time for the alarm's current work. */
const MISSED_MS = 40_000
/** Codes of refused dispatches for causes outside the job. */
const REFUSALS = new Set(['storage_unavailable', 'runpod_busy', 'runpod_unauthorized'])
/** Codes of ends without a preceding check for a finished file. */
const WITHOUT_LOOK = new Set(['deadline_exceeded', 'runaway'])

type Status = Phase['status']

export class Watch {
  readonly #world: World
  readonly #looks = new Map<string, { at: number; seen: boolean }>()
  /** The last end of each attempt: as recorded, and by true time. */
  readonly #endOf = new Map<string, { readonly endedAt: number; readonly seenAt: number }>()
  readonly #received = new Set<string>()
  readonly #cancelsSent = new Set<string>()
  readonly #excused = new Set<string>()
  /** Runs at RunPod whose worker has reported its end: it returns by itself. */
  readonly #reportedEnd = new Set<string>()
  /** The last report of an attempt, or poll of RunPod about it. */
  readonly #lookedInto = new Map<string, number>()
  readonly #silence: Silence
  readonly lines: string[] = []
  #version = 0
  #latest = ''
  #rings = 0
  #retired: Status | null = null
  lastStatus: Status = 'pending'
  left: 'archived' | 'erased' | null = null
  lateReports = 0
  rescues = 0
  deathsOnLines = 0
  overtaken = 0

  constructor(world: World) {
    this.#world = world
    this.#silence = new Silence(world)
  }

  get rings(): number {
    return this.#rings
  }

  fail(promise: string, detail = ''): never {
    return this.#world.town.fail(promise, detail)
  }

  /** Called for every decision, committed or not. */
  decided(before: Job, event: Event, _now: number, step: Step): void {
    const was = before.phase.status
    const is = step.job.phase.status
    const hasEnded =
      was === 'complete' || was === 'error' || was === 'cancelled' || was === 'deleting' || was === 'gone'
    if (hasEnded && was !== is && !leavesBy(event))
      this.fail('ended stays ended', `${was} -> ${is} by ${event.type}`)
    if (step.effects.length > 0 && event.type !== 'wake') this.fail('only the alarm acts', event.type)
    if (is !== 'gone' && wakeAt(step.job) === null) this.fail('an unfinished job has a wake time', is)
    if (is === 'gone' && owedPlaces(step.job).length > 0) this.fail('no place is lost', 'with its job')
    if (is === 'complete' && was !== 'complete') this.#completed(step.job)
    if (is === 'error' && event.type === 'failed' && isVerifying(before)) this.#endedWhileVerifying(step.job)
    if (step.effects.some((effect) => effect.type === 'archive')) this.#retires(step.job)
    // The lane's decision that an ambiguous attempt does not count is valid once it is committed.
    if (event.type === 'dispatchWeighed' && !event.counts && isCurrent(before, event.ref))
      this.#excused.add(nameOf(event.ref))
    if ((event.type === 'completed' || event.type === 'failed') && event.runpodJobId)
      this.#reportedEnd.add(event.runpodJobId)
    // It ran after all.
    const last = step.job.attempts.at(-1)
    if (last && isVerifying(step.job)) this.#excused.delete(nameOf(last))
    checkFence(this, before, event, step)
    this.#silence.decided(before, event, step)
    if (isOvertaken(before, event)) this.#overtaken(before, event, step)
    const { now } = this.#world.clock
    if ('runpodJobId' in event && event.type !== 'dispatched') this.#lookedInto.set(nameOf(event.ref), now)
    for (const effect of step.effects)
      if (effect.type === 'poll') this.#lookedInto.set(nameOf(effect.ref), now)
  }

  #overtaken(before: Job, event: Event, { job }: Step): void {
    this.overtaken++
    const isSame =
      job.phase === before.phase && job.progress === before.progress && job.attempts === before.attempts
    if (!isSame) this.fail('what was overtaken changes nothing', event.type)
  }

  /** The worker on a line of a closed attempt has been stopped, and its line is closed. */
  linesRest(job: Job | null, wires: readonly Wire[]): void {
    for (const { ref, isGreeted } of wires) {
      if (isGreeted && !(job && isCurrent(job, ref)))
        this.fail('a worker on its line is told to stop', nameOf(ref))
    }
  }

  /** A worker's process has died with its line. */
  diedOnLine(ref: AttemptRef): void {
    this.deathsOnLines++
    const { clock, actor, town, deaths } = this.#world
    const diedAt = clock.now
    clock.after(MISSED_MS, () => {
      const { job } = actor
      const isExcused = town.hasJumps || this.#world.alarmsLost > 0 || this.#world.deaths > deaths
      if (isExcused || !job || !isCurrent(job, ref) || job.phase.status !== 'processing') return
      if (job.phase.step !== 'running' || job.attempts.at(-1)?.runpodJobId == null) return
      const at = this.#lookedInto.get(nameOf(ref)) ?? 0
      if (at <= diedAt) this.fail('a worker that dies on its line is missed', nameOf(ref))
    })
  }

  committed(job: Job, log: readonly LogLine[]): void {
    const world = this.#world
    const { version } = job
    if (version < this.#version || version > this.#version + 1)
      this.fail('versions count up by one', `${version}`)
    this.#version = version
    this.lastStatus = job.phase.status
    this.#noteEnd(job.attempts.at(-1))
    for (const line of log) {
      this.lines.push(line.type)
      world.note(
        `  #${this.lines.length} ${line.type} ${line.ref ? nameOf(line.ref) : ''} ${JSON.stringify(line.data)}`,
      )
      world.receiver.committed(line.type, version, line.data)
      if (line.type === 'wakes_throttled') this.fail('wakes are bounded', 'the breaker tripped')
      if (line.type === 'late_report') this.lateReports++
      if (line.type === 'lane_bypassed')
        world.lane.watch.bypassed(`${job.request.id}/${nameOf(nextRef(job))}`)
      if (line.type === 'output_found') this.rescues++
      if (line.type === 'error') this.#endedInError(job)
      if (['complete', 'error', 'cancelled'].includes(line.type)) this.#ended(job)
    }
    if (world.actor.disk.log.length !== this.lines.length) this.fail('the log has no gap')
    const latest = job.attempts.at(-1)
    if (latest && nameOf(latest) !== this.#latest) this.#started(job, latest)
    this.#latest = latest ? nameOf(latest) : ''
    const open = job.attempts.filter((attempt) => attempt.endedAt === null && attempt.round === job.round)
    if (open.length > 1) this.fail('one current attempt', open.map(nameOf).join())
    if (job.phase.status === 'cancelled' && job.phase.confirmed) this.#confirmed()
    world.lane.watch.committed()
  }

  /** Not by its log lines: after a refusal an attempt has none until its outcome differs. */
  #noteEnd(latest: Attempt | undefined): void {
    if (latest?.endedAt == null || this.#endOf.get(nameOf(latest))?.endedAt === latest.endedAt) return
    this.#endOf.set(nameOf(latest), { endedAt: latest.endedAt, seenAt: this.#world.clock.now })
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
    // Of two writes of one version the earlier may land last. The sweep repairs the row at its next visit.
    const wrong = changedColumns({ ...told, due_at: after.due_at }, after).map(([name]) => name)
    if (wrong.length > 0) this.fail('the list says what the actor says', wrong.join())
  }

  rang(): void {
    if (++this.#rings > MAX_RINGS) this.fail('wakes are bounded', `${this.#rings} alarms`)
  }

  /** The process is about to lose its memory: only the progress of the last seconds may be lost. */
  forgets(memory: Job): void {
    const { job: disk } = this.#world.actor.disk
    if (!disk) return
    const { status } = memory.phase
    if (status === 'gone') return
    const sameEvents = status === disk.phase.status && memory.attempts.length === disk.attempts.length
    if (!sameEvents || memory.version > disk.version) this.fail('a crash loses no event', status)
    const stored = Math.max(disk.savedAt, disk.progress.reportedAt ?? 0)
    const lostMs = (memory.progress.reportedAt ?? 0) - stored
    if (lostMs > PROGRESS_LOST_MS) this.fail('a crash loses at most 30 s of progress', `${lostMs} ms`)
  }

  /** Nothing runs in the actor: the alarm must be set, and early enough. */
  rests(job: Job | null): void {
    const at = job && wakeAt(job)
    const { actor, alarmsLost } = this.#world
    if (at === null || alarmsLost > 0) return
    const { alarmAt } = actor.disk
    // Progress in memory delayed the alarm and was lost, so the alarm is late by those seconds.
    // A lost lease may have been due before: its alarm fires at once.
    if (alarmAt === null || alarmAt > Math.max(at, this.#world.wall) + PROGRESS_LOST_MS)
      this.fail('an unfinished job has an alarm', `${alarmAt} instead of ${at}`)
  }

  /** The alarm has finished its work. */
  settled(job: Job | null): void {
    if (!job || job.phase.status === 'gone') return
    const { actor, bucket, isFaulty } = this.#world
    if (!('endedAt' in job.phase) || !owesNothing(job)) return
    const { alarmAt } = actor.disk
    if (alarmAt !== null && alarmAt !== job.phase.expiresAt) this.fail('idle is free')
    if (job.phase.status === 'complete' && !bucket.head(job.phase.output.key)) {
      this.fail('the output of a complete job is kept')
    }
    const posterKey = job.phase.status === 'complete' ? job.phase.output.posterKey : undefined
    if (posterKey !== undefined && !bucket.head(posterKey)) this.fail('the poster of a complete job is kept')
    if (!isFaulty) this.#checkStopped(job, 'when nothing is owed')
  }

  vanished(): void {
    const how = this.lastStatus === 'deleting' ? 'erased' : 'archived'
    this.left = how
    this.#world.note(`the actor is empty: ${how}`)
    const { row } = this.#world.list
    if (how === 'archived' && row?.status !== this.lastStatus) {
      this.fail('the list converges', `${row?.status} instead of ${this.lastStatus}`)
    }
  }

  /** No event is left. */
  atRest(): void {
    const { actor, list, bucket, outputPrefix, inputKey } = this.#world
    const { job } = actor.disk
    // However many alarms were lost, the sweep finds the job by its row until the actor is empty.
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

  /** The output was reported as stored, and is stored: R2 decides, in spite of later reports. */
  #endedWhileVerifying(job: Job): void {
    const key = job.attempts.at(-1)?.outputKey
    if (key && this.#world.bucket.head(key))
      this.fail('a finished output is found', `${key} was being verified`)
  }

  #retires({ phase, outbox }: Job): void {
    if (outbox.archive?.tries !== 0) return
    const { bucket, outputPrefix } = this.#world
    const { key = '', posterKey = '' } = phase.status === 'complete' ? phase.output : {}
    const stale = bucket.keysUnder(outputPrefix).filter((each) => each !== key && each !== posterKey)
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
    if (REFUSALS.has(code)) this.fail('a refusal ends no job', code)
    if (last.failure?.code === code && retryable && code !== 'queue_timeout') {
      const own = job.attempts.filter(({ round }) => round === job.round)
      const isRefused = ({ failure: why }: Attempt) => REFUSALS.has(why?.code ?? '')
      const used = own.filter((each) => !isRefused(each) && !this.#excused.has(nameOf(each))).length
      if (used !== job.request.policy.maxAttempts)
        this.fail('a refusal uses up no attempt', `${used} were used`)
    }
    if (retryable && !WITHOUT_LOOK.has(code)) this.#checkRescued(last, `a finished output is found (${code})`)
  }

  /**
   * A file that remains must have been stored after a check that missed it, and that check after the attempt was given
   * up.
   */
  #checkRescued(attempt: Attempt, promise: string): void {
    if (this.#world.bucket.putAt(attempt.outputKey) === null) return
    const look = this.#looks.get(attempt.outputKey)
    const failedAt = this.#endOf.get(nameOf(attempt))?.seenAt ?? Number.POSITIVE_INFINITY
    if (!look || look.seen || look.at < failedAt - LOOK_MS) this.fail(promise, nameOf(attempt))
  }

  /** Every run at RunPod with a known id that is not waited for was cancelled. */
  #checkStopped(job: Job, when: string): void {
    // After a jump of its clock past the ttl, the service assumes that RunPod has deleted a run that is still active.
    if (this.#world.plan.jumps.length > 0) return
    const winner = job.phase.status === 'complete' ? nameOf(job.phase.winner) : null
    for (const attempt of job.attempts) {
      if (attempt.endedAt === null || nameOf(attempt) === winner) continue
      const remote = this.#world.runpod.jobs.find((each) => each.id === attempt.runpodJobId)
      const isLeft = remote && isRunning(remote) && !this.#reportedEnd.has(remote.id)
      if (isLeft && !this.#cancelsSent.has(remote.id)) {
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

/** By RunPod's records, and not about to return by itself. */
function isRunning({ state, returning, hasTwin }: RemoteJob): boolean {
  return (state === 'queued' || state === 'running') && !returning && !hasTwin
}

/** The job waits for this attempt. */
function isCurrent({ phase, attempts }: Job, ref: AttemptRef): boolean {
  const latest = attempts.at(-1)
  const isActive = phase.status === 'queued' || phase.status === 'processing' || phase.status === 'pending'
  return isActive && latest !== undefined && latest.endedAt === null && nameOf(latest) === nameOf(ref)
}

function isVerifying({ phase }: Job): boolean {
  return phase.status === 'processing' && phase.step === 'verifying'
}

function leavesBy(event: Event): boolean {
  const isGoing = event.type === 'debtPaid' && (event.debt === 'archive' || event.debt === 'erase')
  return isGoing || ['retry', 'retryNow', 'delete'].includes(event.type)
}

export function nameOf(ref: AttemptRef): string {
  return `${ref.round}-${ref.attempt}`
}
