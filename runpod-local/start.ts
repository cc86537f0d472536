/** Puts the parts together: the one way in for the command line and for tests. */
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { AttachedWorkers } from './attached.ts'
import { type Clock, systemClock } from './clock.ts'
import { Endpoint } from './endpoint.ts'
import { FaultSwitches } from './faults.ts'
import { createLog, type Log } from './log.ts'
import { createApi, type ServerContext } from './server.ts'
import { sendWebhook } from './webhook.ts'
import { findFfmpeg } from './worker/find-ffmpeg.ts'
import { createHandler } from './worker/handler.ts'
import { noopRender } from './worker/noop.ts'
import { videoRender } from './worker/render-video.ts'
import { workerEnvironment } from './worker-routes.ts'
import type { Handler } from './workers.ts'

/** All optional; times in milliseconds. */
export interface RunpodLocalOptions {
  /** 0 takes any free port. Default 8788. */
  port?: number
  /** Where jobs keep their temporary files. Default `.exportal/runpod-local-<port>`. */
  dir?: string
  apiKey?: string
  /** How many jobs run at once. Default 1. */
  workers?: number
  /**
   * `video` runs ffmpeg; `noop` is for benches; `none` leaves all jobs to workers attached over HTTP; a function is a
   * handler of one's own. Default `video`.
   */
  worker?: 'video' | 'noop' | 'none' | Handler
  noopReports?: number
  noopIntervalMs?: number
  /** Fault switches from the start on, as in the body of `PUT /faults`. */
  faults?: unknown
  /** Hold `policy` to the cloud's bounds. Default true. */
  policyBounds?: boolean
  webhookRetryMs?: number
  webhookTimeoutMs?: number
  lostWorkerMs?: number
  retentionMs?: number
  syncRetentionMs?: number
  reportIntervalMs?: number
  heartbeatMs?: number
  /** Waits between the tries of transfers and final reports. */
  backoffMs?: readonly number[]
  killAfterMs?: number
  clock?: Clock
  /** Gets each line of the log. Default: standard output. */
  log?: (line: string) => void
  /** Where `FFMPEG_PATH` is looked up. Default: the process environment. */
  env?: Record<string, string | undefined>
}

export interface RunpodLocal {
  /** `http://127.0.0.1:<port>`; `/v2/<any name>` behind it is an endpoint. */
  url: string
  port: number
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
  killAfterMs: 5_000,
  clock: systemClock,
  log: (line: string) => console.log(line),
  env: process.env,
}

type Settings = Required<Omit<RunpodLocalOptions, 'dir'>> & { dir: string }

/** Starts the endpoint on 127.0.0.1. Throws when the port is taken, or a setting is unusable. */
export async function startRunpodLocal(options: RunpodLocalOptions = {}): Promise<RunpodLocal> {
  const closing = new AbortController()
  const faults = new FaultSwitches(options.faults)
  const ready = Promise.withResolvers<ServerContext>()
  ready.promise.catch(() => {})
  const server = createApi(ready.promise)
  const port = await listen(server, options.port ?? defaults.port)
  const dir = resolve(options.dir ?? join('.exportal', `runpod-local-${port}`))
  const settings: Settings = { ...defaults, ...options, dir }
  const { clock } = settings
  const log = createLog(settings.log, clock.now)
  const deliveries = new Set<Promise<void>>()
  try {
    await cleanDir(dir)
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
    ready.resolve({ ...settings, endpoint, attached, faults, log, signal: closing.signal })
    const url = `http://127.0.0.1:${port}`
    tellHowToAttach(url, settings)
    log('listening', { port, workers: settings.workers })
    const close = async () => {
      closing.abort(new Error('closing'))
      await endpoint.close()
      await Promise.all(deliveries)
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      await cleanDir(dir)
      log('closed')
    }
    return { url, port, dir, faults, close }
  } catch (error) {
    ready.reject(error)
    server.close()
    throw error
  }
}

/** A key of one's own stays out of the log. */
function tellHowToAttach(url: string, { apiKey, log }: Settings): void {
  log("# A worker made with RunPod's SDK works for this endpoint with these variables:")
  const shown = apiKey === defaults.apiKey ? apiKey : '<RUNPOD_LOCAL_API_KEY>'
  for (const line of workerEnvironment(url, shown)) log(line)
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

/** Removes what an earlier run left, and only what such a run makes: the directory may hold other things. */
async function cleanDir(dir: string): Promise<void> {
  const names = await readdir(dir).catch(() => [])
  for (const name of names) {
    if (/^job-\w{6}$/.test(name) || name === 'font.ttf')
      await rm(join(dir, name), { recursive: true, force: true })
  }
}

async function makeHandler(settings: Settings, log: Log): Promise<Handler> {
  const { worker, clock, dir, reportIntervalMs, heartbeatMs, backoffMs, killAfterMs } = settings
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
    missing: ffmpeg?.missing.join(',') || undefined,
  })
  await mkdir(dir, { recursive: true })
  const font = createRequire(import.meta.url).resolve('dejavu-fonts-ttf/ttf/DejaVuSans.ttf')
  await copyFile(font, join(dir, 'font.ttf'))
  return createHandler({ ...common, render: videoRender({ ffmpeg, clock, log, backoffMs, killAfterMs }) })
}
