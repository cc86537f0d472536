/** Mutants of the guarantees that the simulated shell and stores give to the core. */
import { type Mutant, USUAL_RUNS } from './mutant.ts'

const SIMULATION = 'test/simulation'

export const OF_THE_WORLD: readonly Mutant[] = [
  {
    name: 'shell: a dispatch is sent before it is committed',
    runs: USUAL_RUNS,
    file: 'actors/export-job/runner.ts',
    search: "const isStored = step.durable && job.phase.status !== 'gone'",
    replace:
      "const isStored = step.durable && job.phase.status !== 'gone' && !step.effects.some((each) => each.type === 'dispatch')",
  },
  {
    name: 'shell: the alarm is not set again',
    runs: USUAL_RUNS,
    file: 'actors/export-job/runner.ts',
    search: '    await this.#arm(failed ? ',
    replace: '    if (failed) await this.#arm(failed ? ',
  },
  {
    name: 'shell: an earlier wake does not move the alarm',
    runs: USUAL_RUNS,
    file: 'actors/export-job/runner.ts',
    search: 'armedAt > now && at < armedAt)',
    replace: 'armedAt === Number.POSITIVE_INFINITY)',
  },
  {
    name: 'shell: a lost alarm is taken for set',
    promise: 1,
    shows: 'a lost alarm is set again by whatever reaches the job',
    test: 'test/actor/recovery.test.ts',
    file: 'actors/export-job/runner.ts',
    search: 'armedAt < now - LOST_ALARM_MS)',
    replace: 'armedAt < 0 - LOST_ALARM_MS)',
  },
  {
    name: 'shell: log lines are lost when the process dies',
    runs: USUAL_RUNS,
    file: `${SIMULATION}/actor.ts`,
    search: '    this.disk.log.push(...log)\n    this.#world.watch.committed(job, log)\n',
    replace: '    this.#world.watch.committed(job, log)\n    this.disk.log.push(...log)\n',
  },
  {
    name: 'shell: a row that was not acknowledged is taken for the one before',
    runs: USUAL_RUNS,
    file: `${SIMULATION}/perform.ts`,
    search: '  memory.lastMirrored = null\n',
    replace: '',
  },
  {
    name: 'D1: an older row overwrites a newer one',
    runs: USUAL_RUNS,
    file: `${SIMULATION}/stores.ts`,
    search: 'const isNewer = before !== null && before.version > row.version',
    replace: 'const isNewer = false',
  },
  {
    name: 'R2: an upload URL never expires',
    runs: 100_000,
    file: `${SIMULATION}/worker.ts`,
    search: 'if (!inTime) return false\n',
    replace: 'if (inTime === null) return false\n',
  },
]
