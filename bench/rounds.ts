/**
 * One measure of several contenders in turns: A B C, A B C, … after a warm-up of each. What else this computer does
 * meanwhile then hits all of them alike, and the ratio of one round to another is what counts.
 */
import { type Spread, spreadOf } from './statistics.ts'

/** The same figure of one contender, round by round. */
export interface Series {
  name: string
  rounds: number[]
}

export interface Turn {
  name: string
  /** Measures once; `warm` marks the round that is thrown away. */
  run(warm: boolean): Promise<Record<string, number>>
}

/** Per figure and contender, one value for each round. */
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

/** `a` over `b`, round by round. */
export function ratioOf(series: readonly Series[], a: string, b: string): Spread | null {
  const above = series.find(({ name }) => name === a)?.rounds ?? []
  const below = series.find(({ name }) => name === b)?.rounds ?? []
  const ratios = above.flatMap((value, round) => {
    const other = below[round]
    return other === undefined || other === 0 ? [] : [value / other]
  })
  return ratios.length === 0 ? null : spreadOf(ratios)
}
