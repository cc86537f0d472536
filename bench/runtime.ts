/**
 * A Worker in a workerd of its own, reached on its direct port: no proxy of a development server in between, no local
 * traces, logs thrown away. Every contender of a measure runs like this, so that their figures can be compared.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from 'miniflare'
import { freePort } from '../scripts/stack.ts'
import type { Bundle } from './bundle.ts'

/** As wrangler.toml says it. */
const COMPATIBILITY_DATE = '2026-11-01'
const MIGRATIONS = join(import.meta.dirname, '../migrations')
const TICKS_PER_SECOND = 100

export interface RuntimeOptions {
  /** The name of the Worker; its D1 is `db`, its bucket `videos`. */
  name: string
  bundle: Bundle
  /** Durable Object bindings: binding → class. */
  actors: Record<string, string>
  vars?: Record<string, string>
  /** A Worker that answers what this one fetches from the outside. */
  outside?: { name: string; bundle: Bundle; actors?: Record<string, string> }
}

export class Runtime {
  readonly name: string
  readonly port: number
  /** The port of the outside, 0 without one. */
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

  /** Starts it, with D1 migrated as the service's is. */
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
    await runtime.#migrate()
    return runtime
  }

  /** D1 from outside of the Worker: to fill it, and to look at what was written. */
  async sql<T>(query: string, ...values: (string | number)[]): Promise<T[]> {
    const db = await this.#miniflare.getD1Database('DB', this.name)
    return (
      await db
        .prepare(query)
        .bind(...values)
        .all<T>()
    ).results
  }

  /** Puts the same text into R2 under each key, as an upload of that project. */
  async storeVideos(videos: readonly { key: string; project: string }[], text: string): Promise<void> {
    const bucket = await this.#miniflare.getR2Bucket('VIDEOS', this.name)
    for (const { key, project } of videos) await bucket.put(key, text, { customMetadata: { project } })
  }

  /** Puts the actor out of memory, as an idle one is after ten seconds. */
  async evict(className: string, name: string): Promise<void> {
    await this.#miniflare.unsafeEvictDurableObject(this.name, className, { name })
  }

  /** Seconds of processor time that this workerd has used; null where the system does not say. */
  cpuSeconds(): number | null {
    if (this.#pid === null) return null
    const stat = readFileSync(`/proc/${this.#pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  }

  /** Bytes of memory that this workerd holds; null where the system does not say. */
  memoryBytes(): number | null {
    if (this.#pid === null) return null
    const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${this.#pid}/status`, 'utf8')) ?? []
    return kilobytes === undefined ? null : Number(kilobytes) * 1024
  }

  async stop(): Promise<void> {
    await this.#miniflare.dispose()
    await rm(this.#stateDir, { recursive: true, force: true, maxRetries: 3 })
  }

  async #migrate(): Promise<void> {
    for (const file of readdirSync(MIGRATIONS).sort()) {
      const text = readFileSync(join(MIGRATIONS, file), 'utf8').replace(/^--.*$/gm, '')
      for (const statement of text.split(';')) if (statement.trim() !== '') await this.sql(statement)
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

/** `$PORT` in a variable is the port that the Worker is reached at. */
function withPort(vars: Record<string, string>, port: number): Record<string, string> {
  return Object.fromEntries(
    Object.entries(vars).map(([name, value]) => [name, value.replace('$PORT', String(port))]),
  )
}

/** Child processes of this one that run `command`; none where there is no /proc. */
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
