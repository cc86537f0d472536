import { describe, expect, test } from 'vitest'
import { runSeed } from './run.ts'
import { runSeeds } from './tally.ts'

const RUNS = 1_000
const { finding, tally } = await runSeeds(1, RUNS)

/** A short, fixed series of seeds; `simulation/cli.ts` plays any number of others. */
describe('In a world where everything fails', () => {
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
    ['refused_again', 0.02],
    ['dispatch_held', 0.02],
    ['late_report', 0.02],
    ['output_found', 0.005],
    ['lines', 0.8],
    ['lines cut', 0.05],
    ['deaths on a line', 0.02],
    ['line_lost', 0.02],
    ['overtaken', 0.01],
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

  test('the same seed plays the same run', async () => {
    const play = async () => {
      const lines: string[][] = []
      await runSeed(42, ({ town }) =>
        lines.push(
          ...town.worlds.map(({ watch }) => [...watch.lines, String(watch.rings), String(town.clock.now)]),
        ),
      )
      return lines
    }
    expect(await play()).toEqual(await play())
  })
})
