/** The first answer of an actor that is not in memory, as every idle one after ten seconds. */
import { performance } from 'node:perf_hooks'
import { floorJobs, runningJobs } from '../contenders.ts'
import { Connection, requestBytes } from '../http/connection.ts'
import { unexpected } from '../http/load.ts'
import type { Measure } from '../measure.ts'
import { type Turn, takeTurns } from '../rounds.ts'
import type { Runtime } from '../runtime.ts'
import { median } from '../statistics.ts'

const OBJECTS = 12

export const cold: Measure = async (context) => {
  const { contenders } = context
  const exportal = await contenders.exportal()
  const jobs = await runningJobs(exportal, contenders.authorization, OBJECTS)
  const { floor, dutiful, names } = await floorJobs(contenders, OBJECTS)
  const turns = [
    coldTurn(
      'exportal',
      exportal,
      'ExportJob',
      jobs.map(({ id }) => id),
      (id) => requestBytes('GET', `/api/jobs/${id}`, contenders.authorization),
    ),
    coldTurn('floor', floor, 'Floor', names, (name) => requestBytes('GET', `/job/${name}`)),
    coldTurn('dutiful', dutiful, 'Floor', names, (name) =>
      requestBytes('GET', `/dutiful-cold/${name}`, contenders.dutifulAuthorization),
    ),
  ]
  const { ms: series = [] } = await takeTurns(turns, context.rounds)
  const target = { sense: 'at most', value: 1.5, base: 'floor' } as const
  return [{ measure: 'cold actor → answer', figure: 'p50', unit: 'ms', series, target }]
}

function coldTurn(
  name: string,
  runtime: Runtime,
  className: string,
  names: readonly string[],
  request: (name: string) => Buffer,
): Turn {
  const run = async () => {
    const connection = await Connection.open(runtime.port)
    const times: number[] = []
    for (const each of names) {
      await runtime.evict(className, each)
      const started = performance.now()
      const answer = await connection.exchange(request(each))
      times.push(performance.now() - started)
      if (answer.status !== 200) throw unexpected(answer)
    }
    connection.close()
    return { ms: median(times) }
  }
  return { name, run }
}
