/**
 * Counts what a Worker is billed for, at the calls: bindings and storage are wrapped without changing their function.
 * The clock and alarms are controlled manually, so that a job of twenty minutes is counted in a second.
 */

/** All counts since the last reset. */
export interface Tally {
  workerRequests: number
  /** RPC calls, upgrades and alarms. */
  actorRequests: number
  rpcCalls: number
  /** Incoming messages of sockets: twenty are billed as one request. */
  messagesReceived: number
  alarmsSet: number
  alarmsFired: number
  actorRowsRead: number
  actorRowsWritten: number
  d1Queries: number
  d1RowsRead: number
  d1RowsWritten: number
  r2ClassA: number
  r2ClassB: number
  /** Calls of the Worker and of the actor to external services. */
  subrequests: number
  /** The part of them that the actor waited for, by kind: it stays in memory meanwhile. */
  actorD1Calls: number
  actorR2Calls: number
  actorFetches: number
  socketMessages: number
  socketBytes: number
  logLines: number
}

const ZERO: Tally = {
  workerRequests: 0,
  actorRequests: 0,
  rpcCalls: 0,
  messagesReceived: 0,
  alarmsSet: 0,
  alarmsFired: 0,
  actorRowsRead: 0,
  actorRowsWritten: 0,
  d1Queries: 0,
  d1RowsRead: 0,
  d1RowsWritten: 0,
  r2ClassA: 0,
  r2ClassB: 0,
  subrequests: 0,
  actorD1Calls: 0,
  actorR2Calls: 0,
  actorFetches: 0,
  socketMessages: 0,
  socketBytes: 0,
  logLines: 0,
}

export const tally: Tally = { ...ZERO }
/** Cursors of this job's statements: the number of rows read is final when a cursor is exhausted. */
const cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = []
let offsetMs = 0

/** Resets all counts. */
function reset(): void {
  cursors.length = 0
  Object.assign(tally, ZERO)
}

function read(): Tally {
  const rowsRead = cursors.reduce((sum, cursor) => sum + cursor.rowsRead, 0)
  const rowsWritten = cursors.reduce((sum, cursor) => sum + cursor.rowsWritten, 0)
  return {
    ...tally,
    actorRowsRead: tally.actorRowsRead + rowsRead,
    // Each alarm that is set is a written row.
    actorRowsWritten: tally.actorRowsWritten + rowsWritten + tally.alarmsSet,
  }
}

function advance(ms: number): void {
  offsetMs += ms
}

/** Wraps the globals of the isolate; call once. */
export function meterIsolate(): void {
  const now = Date.now.bind(Date)
  Date.now = () => now() + offsetMs
  const fetchOutside = globalThis.fetch
  globalThis.fetch = (input: RequestInfo | URL, init?: RequestInit) => {
    tally.subrequests++
    tally.actorFetches++
    return fetchOutside(input, init)
  }
  const send = WebSocket.prototype.send
  WebSocket.prototype.send = function (this: WebSocket, message) {
    tally.socketMessages++
    tally.socketBytes +=
      typeof message === 'string' ? new TextEncoder().encode(message).length : message.byteLength
    return send.call(this, message)
  }
  const log = (): void => {
    tally.logLines++
  }
  console.log = log
  console.warn = log
  console.error = log
}

export type Side = 'worker' | 'actor'

/** `env` with its D1, its bucket and its actors metered. */
export function meterEnv<E extends object>(env: E, side: Side): E {
  return new Proxy(env, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (name === 'DB') return meterD1(value as D1Database, side)
      if (name === 'VIDEOS') return meterR2(value as R2Bucket, side)
      const isNamespace = value !== null && typeof value === 'object' && 'idFromName' in value
      return isNamespace ? meterNamespace(value as DurableObjectNamespace) : value
    },
  })
}

/** Replaces methods of `target` by name; everything else is forwarded. */
function replacing<T extends object>(target: T, methods: Record<string, (...given: never[]) => unknown>): T {
  return new Proxy(target, {
    get(object, name) {
      if (typeof name === 'string' && Object.hasOwn(methods, name)) return methods[name]
      const value: unknown = Reflect.get(object, name)
      return typeof value === 'function' ? value.bind(object) : value
    },
  })
}

const originals = new WeakMap<object, D1PreparedStatement>()

function meterD1(db: D1Database, side: Side): D1Database {
  const called = (queries: number, metas: readonly D1Meta[]) => {
    tally.d1Queries += queries
    tally.subrequests++
    if (side === 'actor') tally.actorD1Calls++
    for (const meta of metas) {
      tally.d1RowsRead += meta.rows_read
      tally.d1RowsWritten += meta.rows_written
    }
  }
  const wrapped = (statement: D1PreparedStatement): D1PreparedStatement => {
    const all = async () => {
      const result = await statement.all()
      called(1, [result.meta])
      return result
    }
    const made = replacing(statement, {
      bind: (...values: unknown[]) => wrapped(statement.bind(...values)),
      run: all,
      all,
      first: async () => (await all()).results[0] ?? null,
    })
    originals.set(made, statement)
    return made
  }
  return replacing(db, {
    prepare: (query: string) => wrapped(db.prepare(query)),
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await db.batch(statements.map((each) => originals.get(each) ?? each))
      called(
        results.length,
        results.map(({ meta }) => meta),
      )
      return results
    },
  })
}

const CLASS_A = ['put', 'list', 'createMultipartUpload']
const CLASS_B = ['head', 'get']

function meterR2(bucket: R2Bucket, side: Side): R2Bucket {
  return new Proxy(bucket, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => {
        tally.subrequests++
        if (side === 'actor') tally.actorR2Calls++
        if (CLASS_A.includes(String(name))) tally.r2ClassA++
        if (CLASS_B.includes(String(name))) tally.r2ClassB++
        return value.apply(target, given)
      }
    },
  })
}

function meterNamespace(namespace: DurableObjectNamespace): DurableObjectNamespace {
  const counted = (stub: DurableObjectStub) =>
    new Proxy(stub, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return (...given: unknown[]) => {
          tally.subrequests++
          tally.actorRequests++
          if (name !== 'fetch') tally.rpcCalls++
          return Reflect.apply(value, target, given)
        }
      },
    })
  return replacing(namespace, {
    getByName: (name: string) => counted(namespace.getByName(name)),
    get: (id: DurableObjectId) => counted(namespace.get(id)),
  })
}

/** A manually fired alarm of an actor with metered storage. */
export class AlarmByHand {
  at: number | null = null

  /** Wraps the storage; call before the actor's own constructor runs. */
  constructor(storage: DurableObjectStorage) {
    const { sql } = storage
    const exec = sql.exec.bind(sql)
    sql.exec = (query: string, ...values: unknown[]) => {
      const cursor = exec(query, ...values)
      cursors.push(cursor)
      return cursor as never
    }
    const { get, put } = { get: storage.get.bind(storage), put: storage.put.bind(storage) }
    storage.get = ((key: string) => {
      tally.actorRowsRead++
      return get(key)
    }) as typeof storage.get
    storage.put = ((key: string, value: unknown) => {
      tally.actorRowsWritten++
      return put(key, value)
    }) as typeof storage.put
    storage.setAlarm = async (at) => {
      tally.alarmsSet++
      this.at = Number(at)
    }
    storage.getAlarm = async () => this.at
    const deleteAll = storage.deleteAll.bind(storage)
    storage.deleteAll = () => {
      this.at = null
      return deleteAll()
    }
  }

  /** Fires the alarm as often as it is due; returns when it is due next. */
  async ring(alarm: () => Promise<void>): Promise<number | null> {
    while (this.at !== null && this.at <= Date.now()) {
      this.at = null
      tally.alarmsFired++
      tally.actorRequests++
      await alarm()
    }
    return this.at
  }
}

/**
 * Handles the bench's own requests, which are not counted. `POST /__bench/reset`, `/__bench/counts` and `/__bench/pass`
 * are answered here; any request with `X-Bench-Pass: <ms> <job>` first advances the clock, and fires the job's alarm if
 * it is due.
 */
export async function control(
  request: Request,
  ring: (job: string) => Promise<number | null>,
): Promise<Response | null> {
  const [ms, job] = request.headers.get('X-Bench-Pass')?.split(' ') ?? []
  if (ms !== undefined) advance(Number(ms))
  if (job !== undefined) await ring(job)
  switch (new URL(request.url).pathname) {
    case '/__bench/reset':
      reset()
      return Response.json({})
    case '/__bench/counts':
      return Response.json(read())
    case '/__bench/pass':
      return Response.json({})
  }
  return null
}
