/** One seed yields one plan and one run, and thus always the same result. */
import * as fc from 'fast-check'
import { BrokenPromise } from './invariants.ts'
import { type TownPlan, towns } from './plan.ts'
import { Town } from './town.ts'

export interface Outcome {
  /** The broken promise; null when all were kept. */
  readonly broken: string | null
  readonly town: Town
}

export async function simulate(plan: TownPlan, traced = false): Promise<Outcome> {
  const town = new Town(plan, traced)
  try {
    await town.play()
    return { broken: null, town }
  } catch (error) {
    if (error instanceof BrokenPromise) return { broken: error.message, town }
    throw error
  }
}

export interface Finding {
  readonly seed: number
  readonly broken: string
  /** The smallest plan found that still breaks a promise, with its trace. */
  readonly plan: TownPlan
  readonly trace: readonly string[]
}

/** Plays the run of one seed; on a broken promise searches for a smaller plan that also breaks one. */
export async function runSeed(
  seed: number,
  each: (outcome: Outcome) => void = () => {},
): Promise<Finding | null> {
  let broken: string | null = null
  const property = fc.asyncProperty(towns, async (plan) => {
    const outcome = await simulate(plan)
    if (broken === null) each(outcome)
    broken = outcome.broken ?? broken
    return outcome.broken === null
  })
  const details = await fc.check(property, { seed, numRuns: 1 })
  if (!details.failed) return null
  const plan = details.counterexample?.[0]
  if (!plan) throw new Error(`seed ${seed}: ${details.errorInstance ?? 'failed without a plan'}`)
  const smallest = await simulate(plan, true)
  return {
    seed,
    broken: smallest.broken ?? 'nothing, when played again',
    plan,
    trace: smallest.town.notes ?? [],
  }
}
