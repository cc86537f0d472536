/** The order in which waiting jobs receive places. */
import { highest, lowest } from '../shared/extremes.ts'
import { keyOf, type Lane, type Waiter } from './state.ts'

type Waiting = Pick<Lane, 'waiters' | 'turns'>

/**
 * The span of turns of one round: a place moves its project to the next round, behind the projects that reached it
 * before. So a job that takes up its place slowly costs its project no turn.
 */
const ROUND = 1_000_000

/**
 * The waiting jobs, in the order in which they receive places: projects alternate, and one that begins to wait comes
 * after those already waiting; within a project the higher priority comes first, then the longer wait. So while two
 * projects both wait, their grants differ by at most one. Jobs with an offer come first, and jobs that are passed over
 * are excluded.
 */
export function inTurn({ waiters, turns }: Waiting): Waiter[] {
  const queues = [...Map.groupBy(eligible(waiters), ({ projectId }) => projectId)]
  return queues
    .flatMap(([projectId, queue]) =>
      queue.sort(withinProject).map((waiter, i) => ({ waiter, turn: turnOf(turns, projectId) + i * ROUND })),
    )
    .sort((a, b) => a.turn - b.turn)
    .map(({ waiter }) => waiter)
}

/** How many other jobs receive a place before this one, and how many of them belong to its own project. */
export function ahead({ waiters, turns }: Waiting, waiter: Waiter): { all: number; own: number } {
  const me = keyOf(waiter)
  const queues = new Map<number, { length: number; offered: number }>()
  let own = 0
  for (const [key, each] of waiters) {
    if (each.passedOver || key === me) continue
    const isOffered = each.offeredAt !== null
    if (each.projectId === waiter.projectId) {
      if (isOffered || withinProject(each, waiter) < 0) own++
      continue
    }
    const queue = queues.get(each.projectId) ?? { length: 0, offered: 0 }
    queue.length++
    if (isOffered) queue.offered++
    queues.set(each.projectId, queue)
  }
  const turn = turnOf(turns, waiter.projectId)
  let all = own
  for (const [projectId, { length, offered }] of queues) {
    const rounds = Math.ceil(own + (turn - turnOf(turns, projectId)) / ROUND)
    all += Math.max(offered, Math.min(length, rounds))
  }
  return { all, own }
}

/** A turn after all waiting projects. */
export function lastTurn(lane: Waiting): number {
  return highest(0, turnsThere(lane)) + 1
}

/** The turn of a project after it received a place in its turn. */
export function nextTurn({ turns }: Waiting, projectId: number): number {
  const next = (Math.floor(turnOf(turns, projectId) / ROUND) + 1) * ROUND
  return (
    highest(
      next,
      [...turns.values()].filter((turn) => turn < next + ROUND),
    ) + 1
  )
}

/**
 * The turn of a project that begins to wait: the last one. A project whose jobs were all passed over keeps its turn,
 * but does not make up for missed ones.
 */
export function joiningTurn(lane: Waiting, projectId: number): number {
  const turn = turnOf(lane.turns, projectId)
  for (const each of lane.waiters.values()) if (!each.passedOver && each.projectId === projectId) return turn
  const last = lastTurn(lane)
  const first = lowest(last, turnsThere(lane))
  return Math.max(Math.floor(first / ROUND) * ROUND, Math.min(last, turn))
}

/** The turns of the projects with a job that is not passed over. */
function turnsThere({ waiters, turns }: Waiting): number[] {
  const projects = new Set<number>()
  for (const { projectId, passedOver } of waiters.values()) if (!passedOver) projects.add(projectId)
  return [...projects].map((projectId) => turnOf(turns, projectId))
}

function eligible(waiters: Lane['waiters']): Waiter[] {
  return [...waiters.values()].filter(({ passedOver }) => !passedOver)
}

function withinProject(a: Waiter, b: Waiter): number {
  const kept = Number(b.offeredAt !== null) - Number(a.offeredAt !== null)
  return kept || b.priority - a.priority || a.since - b.since || (keyOf(a) < keyOf(b) ? -1 : 1)
}

/** A project without a turn comes last. */
function turnOf(turns: Lane['turns'], projectId: number): number {
  return turns.get(projectId) ?? highest(0, turns.values()) + 1
}
