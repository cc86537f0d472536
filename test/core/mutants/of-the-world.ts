/** What the simulated shell and stores guarantee to the core, each taken away. */
import type { Mutant } from './mutant.ts'

const SIMULATION = 'test/core/simulation'

export const MUTANTS_OF_THE_WORLD: readonly Mutant[] = [
  {
    name: 'shell: a dispatch is sent before it is committed',
    file: `${SIMULATION}/actor.ts`,
    search: "const durable = step.durable && step.job.phase.status !== 'gone'",
    replace:
      "const durable = step.durable && step.job.phase.status !== 'gone' && !step.effects.some((each) => each.type === 'dispatch')",
  },
  {
    name: 'shell: only steps with a log line are committed',
    file: `${SIMULATION}/actor.ts`,
    search: "const durable = step.durable && step.job.phase.status !== 'gone'",
    replace: "const durable = step.durable && step.job.phase.status !== 'gone' && step.log.length > 0",
  },
  {
    name: 'shell: the alarm is not set again',
    file: `${SIMULATION}/actor.ts`,
    search: '    if (next !== null) this.#arm(memory, next)\n',
    replace: '    void next\n',
  },
  {
    name: 'shell: an earlier wake does not move the alarm',
    file: `${SIMULATION}/actor.ts`,
    search: 'const isEarlier = at !== null && (memory.armedAt === null || at < memory.armedAt)',
    replace: 'const isEarlier = at !== null && memory.armedAt === null',
  },
  {
    name: 'shell: a lost alarm is taken for set',
    file: `${SIMULATION}/actor.ts`,
    search: '    if (memory.armedAt === null || at < memory.armedAt) this.#arm(memory, at)\n',
    replace: '    memory.armedAt ??= at\n',
  },
  {
    name: 'shell: log lines are lost when the process dies',
    file: `${SIMULATION}/actor.ts`,
    search: '      this.disk.log.push(...step.log)\n      this.#world.watch.committed(step)\n',
    replace: '      this.#world.watch.committed(step)\n      this.disk.log.push(...step.log)\n',
  },
  {
    name: 'shell: a row that was not acknowledged is taken for the one before',
    file: `${SIMULATION}/perform.ts`,
    search: '  memory.lastMirrored = null\n',
    replace: '',
  },
  {
    name: 'D1: an older row overwrites a newer one',
    file: `${SIMULATION}/stores.ts`,
    search: 'const isNewer = before !== null && before.version > row.version',
    replace: 'const isNewer = false',
  },
  {
    name: 'R2: an upload URL never expires',
    file: `${SIMULATION}/worker.ts`,
    search: 'return inTime && bucket.put',
    replace: 'return bucket.put',
    runs: 100_000,
  },
]
