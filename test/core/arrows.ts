/**
 * The arrows between the states, as the walk finds them, and their part of `docs/state-machine.md`: a diagram with the
 * cause of each, and a table with every event.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { deadlineAt } from '../../actors/export-job/core/clock.ts'
import type { Event } from '../../actors/export-job/core/events.ts'
import type { Job } from '../../actors/export-job/core/job.ts'
import { isUnfinished, keyOf, type StateKey } from '../../actors/export-job/core/phase.ts'
import { transition } from '../../actors/export-job/core/transition.ts'
import { WAKE } from '../support/node/builders.ts'
import { failing, passTime, silent, working } from './passing-time.ts'
import type { Edge } from './walk.ts'

const PAGE = join(resolve(import.meta.dirname, '../..'), 'docs/state-machine.md')
const BEGIN = '<!-- Made by `npm run test:walk -- --write`. -->\n'
const END = '<!-- Made until here. -->\n'

/** In the order of a job's life. */
const ORDER: Record<StateKey, number> = {
  waiting: 0,
  asking: 0.5,
  dispatching: 1,
  queued: 2,
  running: 3,
  verifying: 4,
  cancelling: 5,
  complete: 6,
  error: 7,
  cancelled: 8,
  deleting: 9,
  gone: 10,
}

/** The cause of an event, for the diagram; a command by its own name. */
const CAUSES: Partial<Record<Event['type'], string>> = {
  wake: 'alarm',
  progressed: 'report',
  completed: 'report',
  failed: 'report',
  observed: 'RunPod',
  dispatched: 'RunPod',
  dispatchRefused: 'RunPod',
  dispatchAmbiguous: 'RunPod',
  dispatchWeighed: 'lane',
  placeGranted: 'lane',
  placeNeeded: 'settings',
  notConfigured: 'settings',
  outputSeen: 'R2',
  outputAbsent: 'R2',
  pollFailed: 'RunPod',
  debtPaid: 'debt paid',
}

const MAX_OUTWAITED = 100
const MAX_WAKES = 200

interface Arrow {
  readonly from: StateKey
  readonly to: StateKey
  readonly events: Set<string>
  readonly causes: Set<string>
}

export class Arrows {
  readonly #arrows = new Map<string, Arrow>()
  readonly #outwaited = new Map<StateKey, number>()

  add({ before, event, step }: Edge): void {
    if (before.phase === step.job.phase) return
    const from = keyOf(before.phase)
    const to = keyOf(step.job.phase)
    if (from === to) return
    const name = `${from} ${to}`
    const arrow = this.#arrows.get(name) ?? { from, to, events: new Set(), causes: new Set() }
    arrow.events.add(nameOf(event))
    arrow.causes.add(CAUSES[event.type] ?? event.type)
    this.#arrows.set(name, arrow)
  }

  /** Transitions by time alone, which the walk treats as one state: from the first jobs in each state. */
  addTime(job: Job, now: number): void {
    const key = keyOf(job.phase)
    const count = this.#outwaited.get(key) ?? 0
    if (count >= MAX_OUTWAITED) return
    this.#outwaited.set(key, count + 1)
    const isGone = ({ phase }: Job) => phase.status === 'gone'
    for (const outside of [silent, failing, working('queued'), working('running'), working('gone')]) {
      passTime({ job, now }, outside, isGone, MAX_WAKES, (edge) => this.add(edge))
    }
    // Where other clocks come first, thousands of wakes lie before the deadline.
    if (isUnfinished(job.phase)) {
      const at = deadlineAt(job)
      this.add({ before: job, event: WAKE, at, step: transition(job, WAKE, at) })
    }
  }

  /** The generated part of the page. */
  text(): string {
    const arrows = [...this.#arrows.values()].sort(
      (a, b) => ORDER[a.from] - ORDER[b.from] || ORDER[a.to] - ORDER[b.to],
    )
    const shown = (state: StateKey) => (state === 'gone' ? '[*]' : state)
    const lines = arrows.map(
      ({ from, to, causes }) => `  ${shown(from)} --> ${shown(to)}: ${[...causes].sort().join(', ')}`,
    )
    const rows = arrows.map(
      ({ from, to, events }) => `| \`${from}\` | \`${to}\` | ${[...events].sort().join(', ')} |`,
    )
    return [
      '```mermaid',
      'stateDiagram-v2',
      '  [*] --> waiting: created',
      ...lines,
      '```',
      '',
      '| from | to | on |',
      '| --- | --- | --- |',
      ...rows,
      '',
    ].join('\n')
  }
}

function nameOf(event: Event): string {
  if (event.type === 'observed') return `\`observed\` ${event.observation.state}`
  return 'debt' in event ? `\`${event.type}\` ${event.debt}` : `\`${event.type}\``
}

/** The current content of the page. */
export function writtenArrows(): string {
  const page = readFileSync(PAGE, 'utf8')
  return page.slice(page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END))
}

export function writeArrows(text: string): void {
  const page = readFileSync(PAGE, 'utf8')
  writeFileSync(
    PAGE,
    page.slice(0, page.indexOf(BEGIN) + BEGIN.length) + text + page.slice(page.indexOf(END)),
  )
}
