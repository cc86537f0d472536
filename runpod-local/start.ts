/** Assembles and starts the endpoint, for the command line and for tests. */
import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { AttachedWorkers } from './attached.ts'
import { type Clock, systemClock } from './clock.ts'
import { Endpoint } from './endpoint.ts'
import { FaultSwitches } from './faults.ts'
import { createLog, type Log } from './log.ts'
import { ownDir } from './own-dir.ts'
import { createApi, type ServerContext } from './server.ts'
import { sendWebhook } from './webhook.ts'
import { EXTERNAL, type External } from './worker/external/download.ts'
import { findFfmpeg } from './worker/find-ffmpeg.ts'
import { createHandler } from './worker/handler.ts'
import { noopRender } from './worker/noop.ts'
import { videoRender } from './worker/render-video.ts'
import { installFonts } from './worker/text/font-files.ts'
import { workerEnvironment, workerRoutes } from './worker-routes.ts'
import type { Handler } from './workers.ts'

/** All optional; times in milliseconds. */
export interface RunpodLocalOptions {
  /** 0 selects a free port. Default 8788. */
  port?: number
  /**
   * The process keeps its temporary files in a directory of its own below it. Default `.exportal/runpod-local-<port>`.
   */
  dir?: string
  apiKey?: string
  /** How many jobs run at once. Default 1. */
  workers?: number
  /**
   * `video` runs ffmpeg; `noop` is for benchmarks; `none` leaves all jobs to workers attached over HTTP; a function is
   * a custom handler. Default `video`.
   */
  worker?: 'video' | 'noop' | 'none' | Handler
  noopReports?: number
  noopIntervalMs?: number
  /** Initial fault switches, in the form of the body of `PUT /faults`. */
  faults?: unknown
  /** Whether to enforce the cloud's bounds on `policy`. Default true. */
  policyBounds?: boolean
  webhookRetryMs?: number
  webhookTimeoutMs?: number
  lostWorkerMs?: number
  retentionMs?: number
  syncRetentionMs?: number
  reportIntervalMs?: number
  heartbeatMs?: number
  /** Pauses between the tries of transfers and final reports. */
  backoffMs?: readonly number[]
  /** How inputs by URL are fetched. Default: by https from public addresses only. */
  external?: External
  clock?: Clock
  /** Receives each line of the log. Default: standard output. */
  log?: (line: string) => void
  /** The variables that contain `FFMPEG_PATH`. Default: the process environment. */
  env?: Record<string, string | undefined>
}

export interface RunpodLocal {
  /** `http://127.0.0.1:<port>`; `/v2/<any name>` below it is an endpoint. */
  url: string
  port: number
  /** The directory of this process. */
  dir: string
  faults: FaultSwitches
  /** Stops all workers, removes their files and closes the port. */
  close(): Promise<void>
}

const MINUTE = 60_000
const defaults = {
  port: 8788,
  apiKey: 'local-key',
  workers: 1,
  worker: 'video' as const,
  noopReports: 0,
  noopIntervalMs: 0,
  faults: {},
  policyBounds: true,
  webhookRetryMs: 10_000,
  webhookTimeoutMs: 15_000,
  lostWorkerMs: 40_000,
  retentionMs: 30 * MINUTE,
  syncRetentionMs: MINUTE,
  reportIntervalMs: 250,
  heartbeatMs: 5_000,
  backoffMs: [500, 1_000, 2_000, 4_000, 8_000, 15_000],
  external: EXTERNAL,
  clock: systemClock,
  log: (line: string) => console.log(line),
  env: process.env,
}

type Settings = Required<Omit<RunpodLocalOptions, 'dir'>> & { dir: string }

/** Starts the endpoint on 127.0.0.1. Throws when the port is in use, or a setting is invalid. */
export async function startRunpodLocal(options: RunpodLocalOptions = {}): Promise<RunpodLocal> {
  const closing = new AbortController()
  const faults = new FaultSwitches(options.faults)
  const ready = Promise.withResolvers<ServerContext>()
  ready.promise.catch(() => {})
  const server = createApi(ready.promise)
  const port = await listen(server, options.port ?? defaults.port)
  const shared = resolve(options.dir ?? join('.exportal', `runpod-local-${port}`))
  const deliveries = new Set<Promise<void>>()
  try {
    const dir = await ownDir(shared)
    const settings: Settings = { ...defaults, ...options, dir }
    const { clock } = settings
    const log = createLog(settings.log, clock.now)
    const attached = new AttachedWorkers(settings)
    const endpoint = new Endpoint({
      ...settings,
      count: settings.worker === 'none' ? 0 : settings.workers,
      handler: await makeHandler(settings, log),
      attached,
      faults,
      log,
      onEnd(job, body) {
        const { webhookRetryMs: retryMs, webhookTimeoutMs: timeoutMs } = settings
        const how = { clock, log, retryMs, timeoutMs, signal: closing.signal }
        const delivery = sendWebhook(job, body, faults.of(job.label), how)
        deliveries.add(delivery)
        void delivery.finally(() => deliveries.delete(delivery))
      },
    })
    const onWrongKey = tellOfWrongKeys(log)
    ready.resolve({ ...settings, endpoint, attached, faults, log, onWrongKey, signal: closing.signal })
    const url = `http://127.0.0.1:${port}`
    tellHowToAttach(url, settings)
    log('listening', { port, workers: settings.workers })
    const close = async () => {
      closing.abort(new Error('closing'))
      await endpoint.close()
      await Promise.all(deliveries)
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      await rm(dir, { recursive: true, force: true })
      log('closed')
    }
    return { url, port, dir, faults, close }
  } catch (error) {
    ready.reject(error)
    server.close()
    throw error
  }
}

/** A key set by the user is not logged. */
function tellHowToAttach(url: string, { apiKey, log }: Settings): void {
  log("# A worker made with RunPod's SDK works for this endpoint with these variables:")
  const shown = apiKey === defaults.apiKey ? apiKey : '<RUNPOD_LOCAL_API_KEY>'
  for (const line of workerEnvironment(url, shown)) log(line)
  log('# Each worker needs a RUNPOD_POD_ID of its own, or it is told to stop the jobs of another.')
}

/** Logs a wrong key once for callers and once for workers, since a worker repeats its requests endlessly. */
function tellOfWrongKeys(log: Log): ServerContext['onWrongKey'] {
  const seen = new Set<string>()
  return (operation) => {
    const who = Object.hasOwn(workerRoutes, operation) ? 'a worker' : 'a caller'
    if (seen.has(who)) return
    seen.add(who)
    const hint = who === 'a worker' ? "RunPod's SDK takes a key in ~/.runpod/config.toml first" : undefined
    log('key.wrong', { who, operation, hint })
  }
}

function listen(server: ReturnType<typeof createApi>, port: number): Promise<number> {
  return new Promise((done, fail) => {
    server.once('error', fail)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      done(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

async function makeHandler(settings: Settings, log: Log): Promise<Handler> {
  const { worker, clock, dir, reportIntervalMs, heartbeatMs, backoffMs, external } = settings
  if (typeof worker === 'function') return worker
  if (worker === 'none') return () => Promise.reject(new Error('this process has no worker of its own'))
  const common = { dir, clock, log, reportIntervalMs, heartbeatMs, backoffMs, requestTimeoutMs: 15_000 }
  if (worker === 'noop') {
    const render = noopRender({ clock, reports: settings.noopReports, intervalMs: settings.noopIntervalMs })
    return createHandler({ ...common, render })
  }
  const ffmpeg = await findFfmpeg(settings.env)
  log('ffmpeg.found', {
    path: ffmpeg?.path ?? null,
    version: ffmpeg?.version,
    source: ffmpeg?.source,
    probe: ffmpeg?.probePath,
    shaper: ffmpeg?.shaper,
    missing: ffmpeg?.missing.join(',') || undefined,
  })
  const fonts = await installFonts(dir)
  const render = videoRender({ ffmpeg, fonts, clock, log, backoffMs, external })
  return createHandler({ ...common, render })
}
