/** BullMQ on Redis as a contender: one process group with its own directory, ended with the run. */

import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { groupMembers, ProcessGroup } from '../scripts/process-group.ts'
import { freePort } from '../scripts/stack.ts'
import { Connection } from './http/connection.ts'
import { cpuSecondsOf, type Served } from './runtime.ts'

const MAIN = join(import.meta.dirname, 'peers/redis/main.ts')
const START_MS = 20_000

/** When Redis calls fsync: once a second, or before each answer. */
export type Fsync = 'everysec' | 'always'

/** Whether there is a `redis-server` on this computer. */
export function hasRedis(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0
}

export class RedisPeer implements Served {
  readonly port: number
  readonly outsidePort: number
  readonly #group: ProcessGroup
  readonly #dir: string

  private constructor(port: number, outsidePort: number, group: ProcessGroup, dir: string) {
    this.port = port
    this.outsidePort = outsidePort
    this.#group = group
    this.#dir = dir
  }

  static async start(fsync: Fsync): Promise<RedisPeer> {
    const dir = await mkdtemp(join(tmpdir(), `bench-redis-${fsync}-`))
    const port = await freePort(0)
    const outsidePort = await freePort(0)
    const group = new ProcessGroup({
      command: process.execPath,
      args: [MAIN, ...[port, outsidePort, await freePort(0)].map(String), dir, fsync],
      env: { NODE_ENV: 'production' },
      cwd: dir,
      logFile: join(dir, 'log'),
    })
    const peer = new RedisPeer(port, outsidePort, group, dir)
    await peer.#listens()
    return peer
  }

  /** CPU time of Node and Redis together. */
  cpuSeconds(): number | null {
    const { id } = this.#group
    const each = id === null ? [] : groupMembers(id).map(cpuSecondsOf)
    return each.reduce<number | null>((sum, one) => (sum === null || one === null ? null : sum + one), 0)
  }

  /** Nothing to do: this peer does not check inputs. */
  async storeVideos(): Promise<void> {}

  async stop(): Promise<void> {
    await this.#group.stop()
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 3 })
  }

  /**
   * @throws Error with the group's output when it ends or does not listen in time; all of its processes have ended then
   */
  async #listens(): Promise<void> {
    let ended = false
    void this.#group.exited.then(() => {
      ended = true
    })
    const deadline = Date.now() + START_MS
    while (!ended && Date.now() < deadline) {
      const connection = await Connection.open(this.port).catch(() => null)
      if (connection) return connection.close()
      await pause(50)
    }
    const log = await readFile(this.#group.logFile, 'utf8').catch(() => '')
    await this.stop()
    throw new Error(`BullMQ on Redis did not start: ${log.slice(-1_000)}`)
  }
}
