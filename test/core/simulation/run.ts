/** One seed is one plan is one run: the same seed always finds the same. */
import * as fc from 'fast-check'
import { BrokenPromise } from './invariants.ts'
import { type Plan, plans } from './plan.ts'
import { World } from './world.ts'

export interface Outcome {
  /** The promise that was broken; null when all were kept. */
  readonly broken: string | null
  readonly world: World
}

export function simulate(plan: Plan, traced = false): Outcome {
  const world = new World(plan, traced)
  try {
    world.play()
    return { broken: null, world }
  } catch (error) {
    if (error instanceof BrokenPromise) return { broken: error.message, world }
    throw error
  }
}

export interface Finding {
  readonly seed: number
  readonly broken: string
  /** The smallest plan found that still breaks a promise, and how. */
  readonly plan: Plan
  readonly trace: readonly string[]
}

/** Plays the run of one seed; on a broken promise looks for a smaller plan that breaks one too. */
export function runSeed(seed: number, each: (outcome: Outcome) => void = () => {}): Finding | null {
  let broken: string | null = null
  const property = fc.property(plans, (plan) => {
    const outcome = simulate(plan)
    if (broken === null) each(outcome)
    broken = outcome.broken ?? broken
    return outcome.broken === null
  })
  const details = fc.check(property, { seed, numRuns: 1 })
  if (!details.failed) return null
  const plan = details.counterexample?.[0]
  if (!plan) throw new Error(`seed ${seed}: ${details.errorInstance ?? 'failed without a plan'}`)
  const smallest = simulate(plan, true)
  return {
    seed,
    broken: smallest.broken ?? 'nothing, when played again',
    plan,
    trace: smallest.world.notes ?? [],
  }
}
