/**
 * A Worker in a separate workerd, reached on its direct port: without a development server's proxy, without local
 * traces, with logs discarded. Every contender of a measure runs like this, so that their figures are comparable.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from 'miniflare'
import { unstable_splitSqlQuery as splitSqlQuery } from 'wrangler'
import { freePort } from '../scripts/stack.ts'
import type { Bundle } from './bundle.ts'

/** The same as in wrangler.toml. */
const COMPATIBILITY_DATE = '2026-11-01'
const MIGRATIONS = join(import.meta.dirname, '../migrations')
const TICKS_PER_SECOND = 100

export interface RuntimeOptions {
  /** The Worker's name; its D1 is `db`, its bucket `videos`. */
  name: string
  bundle: Bundle
  /** Durable Object bindings: class by binding. */
  actors: Record<string, string>
  vars?: Record<string, string>
  /** Directory of its D1 migrations; by default the service's. */
  tables?: string
  /** A Worker that answers the outgoing requests of this one. */
  outside?: { name: string; bundle: Bundle; actors?: Record<string, string> }
}

/** The interface of a contender for the measures. */
export interface Served {
  readonly port: number
  /** The port of `outside`; 0 without one. */
  readonly outsidePort: number
  /** CPU seconds used so far; null when the system does not provide it. */
  cpuSeconds(): number | null
  /** Stores the same text in R2 under each key, as an upload of its project. */
  storeVideos(videos: readonly { key: string; project: string }[], text: string): Promise<void>
  stop(): Promise<void>
}

export class Runtime implements Served {
  readonly name: string
  readonly port: number
  readonly outsidePort: number
  readonly #miniflare: Miniflare
  readonly #stateDir: string
  readonly #pid: number | null

  private constructor(made: {
    name: string
    port: number
    outsidePort: number
    miniflare: Miniflare
    stateDir: string
    pid: number | null
  }) {
    this.name = made.name
    this.port = made.port
    this.outsidePort = made.outsidePort
    this.#miniflare = made.miniflare
    this.#stateDir = made.stateDir
    this.#pid = made.pid
  }

  /** Starts it, with D1 migrated. */
  static async start(options: RuntimeOptions): Promise<Runtime> {
    const { name, bundle, actors, outside } = options
    const stateDir = await mkdtemp(join(tmpdir(), `bench-${name}-`))
    const port = await freePort(0)
    const outsidePort = outside ? await freePort(0) : 0
    const vars = withPort(options.vars ?? {}, port)
    const worker: V4WorkerOptions = {
      ...workerOf(name, bundle, actors, port),
      bindings: vars,
      d1Databases: { DB: 'db' },
      r2Buckets: { VIDEOS: 'videos' },
      ...(outside && { outboundService: outside.name }),
    }
    const others = outside ? [workerOf(outside.name, outside.bundle, outside.actors ?? {}, outsidePort)] : []
    const before = childrenNamed('workerd')
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        workers: [worker, ...others],
        resourcePersistencePath: stateDir,
        host: '127.0.0.1',
        log: new Log(LogLevel.NONE),
        handleStructuredLogs: () => {},
        cf: false,
        unsafeLocalExplorer: false,
        unsafeObservability: false,
        telemetry: { enabled: false },
      }),
    )
    await miniflare.ready
    const pid = childrenNamed('workerd').find((each) => !before.includes(each)) ?? null
    const runtime = new Runtime({ name, port, outsidePort, miniflare, stateDir, pid })
    await runtime.#migrate(options.tables ?? MIGRATIONS)
    return runtime
  }

  /** Accesses D1 from outside the Worker, to fill it and to read results. */
  async sql<T>(query: string, ...values: (string | number)[]): Promise<T[]> {
    const db = await this.#miniflare.getD1Database('DB', this.name)
    return (
      await db
        .prepare(query)
        .bind(...values)
        .all<T>()
    ).results
  }

  async storeVideos(videos: readonly { key: string; project: string }[], text: string): Promise<void> {
    const bucket = await this.#miniflare.getR2Bucket('VIDEOS', this.name)
    for (const { key, project } of videos) await bucket.put(key, text, { customMetadata: { project } })
  }

  /** Evicts an actor from memory, as happens to an idle one after ten seconds. */
  async evict(className: string, name: string): Promise<void> {
    await this.#miniflare.unsafeEvictDurableObject(this.name, className, { name })
  }

  cpuSeconds(): number | null {
    return this.#pid === null ? null : cpuSecondsOf(this.#pid)
  }

  /** Memory of this workerd in bytes; null when the system does not provide it. */
  memoryBytes(): number | null {
    if (this.#pid === null) return null
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.#pid}/status`, 'utf8')) ?? []
    return kilobytes === undefined ? null : Number(kilobytes) * 1024
  }

  async stop(): Promise<void> {
    await this.#miniflare.dispose()
    await rm(this.#stateDir, { recursive: true, force: true, maxRetries: 3 })
  }

  async #migrate(folder: string): Promise<void> {
    for (const file of readdirSync(folder).sort()) {
      const text = readFileSync(join(folder, file), 'utf8')
      // A trigger contains statements itself.
      for (const statement of splitSqlQuery(text)) await this.sql(statement)
    }
  }
}

function workerOf(
  name: string,
  { dir, modules }: Bundle,
  actors: Record<string, string>,
  port: number,
): V4WorkerOptions {
  return {
    name,
    modules: modules.map((path) => ({ type: 'ESModule' as const, path })),
    modulesRoot: dir,
    compatibilityDate: COMPATIBILITY_DATE,
    durableObjects: Object.fromEntries(
      Object.entries(actors).map(([binding, className]) => [binding, { className, useSQLite: true }]),
    ),
    unsafeDirectSockets: [{ host: '127.0.0.1', port }],
  }
}

/** CPU seconds used by a process; null when the system does not provide it. */
export function cpuSecondsOf(pid: number): number | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return null
  }
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Replaces `$PORT` in variables by the Worker's port. */
function withPort(vars: Record<string, string>, port: number): Record<string, string> {
  return Object.fromEntries(
    Object.entries(vars).map(([name, value]) => [name, value.replace('$PORT', String(port))]),
  )
}

/** This process's children that run `command`; none without /proc. */
function childrenNamed(command: string): number[] {
  let children: string
  try {
    children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
  } catch {
    return []
  }
  return children
    .trim()
    .split(' ')
    .filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === command)
    .map(Number)
}
