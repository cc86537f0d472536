/**
 * Measures several contenders in turns: A B C, A B C, … after a warm-up of each. Other load on the computer then
 * affects all of them equally, and the ratio within each round is what counts.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { median, type Spread, spreadOf } from './statistics.ts'

/** The values of one figure for one contender, by round. */
export interface Series {
  name: string
  rounds: number[]
}

export interface Turn {
  name: string
  /** Measures once; the result of a `warm` round is discarded. */
  run(warm: boolean): Promise<Record<string, number>>
}

/** By figure and contender, one value per round. */
export type Figures = Record<string, Series[]>

export async function takeTurns(turns: readonly Turn[], rounds: number): Promise<Figures> {
  for (const turn of turns) await turn.run(true)
  const figures = new Map<string, Series[]>()
  for (let round = 0; round < rounds; round++) {
    for (const turn of turns) {
      for (const [figure, value] of Object.entries(await turn.run(false))) {
        const series = figures.get(figure) ?? turns.map(({ name }) => ({ name, rounds: [] }))
        figures.set(figure, series)
        series.find(({ name }) => name === turn.name)?.rounds.push(value)
      }
    }
  }
  return Object.fromEntries(figures)
}

/**
 * The same for turns that are one short action with a pause after it: a round is `times` times A B C, and each
 * contender's median counts. Momentary disturbances then affect all of them.
 */
export async function takeShortTurns(
  turns: readonly Turn[],
  { rounds, times, pauseMs }: { rounds: number; times: number; pauseMs: number },
): Promise<Figures> {
  const paused = turns.map(({ name, run }) => ({
    name,
    run: async (warm: boolean) => {
      const figures = await run(warm)
      await pause(pauseMs)
      return figures
    },
  }))
  const single = await takeTurns(paused, rounds * times)
  const middles = (values: readonly number[]) =>
    Array.from({ length: rounds }, (_, round) => median(values.slice(round * times, (round + 1) * times)))
  return Object.fromEntries(
    Object.entries(single).map(([figure, series]) => [
      figure,
      series.map(({ name, rounds: values }) => ({ name, rounds: middles(values) })),
    ]),
  )
}

/** `a` divided by `b`, round by round. */
export function ratioOf(series: readonly Series[], a: string, b: string): Spread | null {
  const above = series.find(({ name }) => name === a)?.rounds ?? []
  const below = series.find(({ name }) => name === b)?.rounds ?? []
  const ratios = above.flatMap((value, round) => {
    const other = below[round]
    return other === undefined || other === 0 ? [] : [value / other]
  })
  return ratios.length === 0 ? null : spreadOf(ratios)
}
