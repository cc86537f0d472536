import { describe, expect, test } from 'vitest'
import { runSeed } from './simulation/run.ts'
import { runSeeds } from './simulation/tally.ts'

const RUNS = 8_000

/** The same short row of seeds each time; `simulation/cli.ts` plays as many others as one likes. */
describe('In a world where everything fails', () => {
  const { finding, tally } = runSeeds(1, RUNS)

  test('every promise is kept', () => {
    expect(finding && [finding.broken, `seed ${finding.seed}`, ...finding.trace]).toBeNull()
  })

  test.each([
    ['complete', 0.5],
    ['error', 0.1],
    ['cancelled', 0.2],
    ['retried', 0.05],
    ['erased', 0.2],
    ['archived', 0.5],
    ['deaths', 1],
    ['attempt_started', 1.2],
    ['dispatch_ambiguous', 0.03],
    ['late_report', 0.02],
    ['output_found', 0.005],
    ['cancel_unconfirmed', 0.02],
    ['cancel_confirmed', 0.01],
    ['lost alarms', 0.05],
    ['webhook_delivered', 0.3],
    ['webhook_failed', 1],
    ['webhook_given_up', 0.03],
    ['webhook_refused', 0.01],
    ['webhook_redelivery_requested', 0.05],
  ])('%s comes up in at least %d of the runs', (name, share) => {
    expect((tally[name] ?? 0) / RUNS).toBeGreaterThan(share)
  })

  test('the same seed plays the same run', () => {
    const play = () => {
      const lines: string[][] = []
      runSeed(42, ({ world }) =>
        lines.push([...world.watch.lines, String(world.watch.rings), String(world.clock.now)]),
      )
      return lines
    }
    expect(play()).toEqual(play())
  })
})
