/**
 * Upload and download of a large file, compared with a bare put and get of the bucket. Both are streamed throughout.
 */
import { type IncomingMessage, request } from 'node:http'
import { performance } from 'node:perf_hooks'
import { requestBytes } from '../http/connection.ts'
import { send, unexpected } from '../http/load.ts'
import type { Context, Measure } from '../measure.ts'
import { type Turn, takeTurns } from '../rounds.ts'
import type { Runtime } from '../runtime.ts'

const MEGABYTE = 1_000_000
/** Megabytes of a transfer that runs every code path once. */
const WARM_UP = 8
const CHUNK = Buffer.alloc(MEGABYTE, 'v')

const UPLOADS = 2

export const transfer: Measure = async (context) => {
  const megabytes = context.quick ? 32 : 256
  const stores = [
    asExportal(context, await context.contenders.exportal()),
    asFloor(await context.contenders.floor()),
  ]
  const large: string[] = []
  const uploads = stores.map(({ name, upload }, who): Turn => {
    const run = async (warm: boolean) => {
      const size = warm ? WARM_UP : megabytes
      const { seconds, path } = await upload(size)
      large[who] = path
      return { upload: size / seconds }
    }
    return { name, run }
  })
  // Separate from uploads, and many: after an upload the disk, which is still writing, would be measured.
  const downloads = stores.map(({ name, port, headers }, who): Turn => {
    const run = async () => ({
      download: megabytes / (await get(port, large[who] ?? '', headers, megabytes)),
    })
    return { name, run }
  })
  const figures = {
    ...(await takeTurns(uploads, UPLOADS)),
    ...(await takeTurns(downloads, context.quick ? 6 : context.rounds)),
  }
  const target = { sense: 'at least', value: 0.9, base: 'floor' } as const
  return Object.entries(figures).map(([figure, series]) => ({
    measure: `${figure} of ${megabytes} MB`,
    figure: 'rate',
    unit: 'MB/s',
    series,
    target,
  }))
}

/** How a contender stores videos. */
interface Store {
  name: string
  port: number
  headers: Record<string, string>
  /** @returns the path to download the file from */
  upload(megabytes: number): Promise<{ seconds: number; path: string }>
}

function asExportal(context: Context, runtime: Runtime): Store {
  const { port } = runtime
  return {
    name: 'exportal',
    port,
    headers: context.contenders.authorization,
    async upload(megabytes) {
      const { upload, key } = await signedUpload(context, runtime, megabytes)
      return { seconds: await put(port, upload, megabytes), path: `/api/videos/download/${key}` }
    },
  }
}

function asFloor({ port }: Runtime): Store {
  let nth = 0
  return {
    name: 'floor',
    port,
    headers: {},
    async upload(megabytes) {
      const path = `/video/large-${nth++}`
      return { seconds: await put(port, path, megabytes), path }
    },
  }
}

async function signedUpload(context: Context, runtime: Runtime, megabytes: number) {
  const body = {
    filename: 'clip.mp4',
    content_type: 'video/mp4',
    size_bytes: megabytes * MEGABYTE,
    project_id: 1,
  }
  const headers = context.contenders.authorization
  const answer = await send(runtime.port, requestBytes('POST', '/api/videos/upload-url', headers, body))
  if (answer.status !== 200) throw unexpected(answer)
  const plan: { upload_url: string; video_key: string } = JSON.parse(answer.body)
  const { pathname, search } = new URL(plan.upload_url, 'http://127.0.0.1')
  return { upload: pathname + search, key: plan.video_key }
}

/** The duration in seconds. */
async function put(port: number, path: string, megabytes: number): Promise<number> {
  const headers = { 'Content-Type': 'video/mp4', 'Content-Length': megabytes * MEGABYTE }
  const started = performance.now()
  await new Promise<void>((resolve, reject) => {
    const upload = request({ port, host: '127.0.0.1', path, method: 'PUT', headers }, (response) => {
      const failed = new Error(`The upload was answered ${response.statusCode}.`)
      response.resume().on('end', () => ((response.statusCode ?? 500) < 300 ? resolve() : reject(failed)))
    })
    upload.on('error', reject)
    let left = megabytes
    const write = () => {
      while (left > 0) {
        left--
        if (!upload.write(CHUNK)) return upload.once('drain', write)
      }
      return upload.end()
    }
    write()
  })
  return (performance.now() - started) / 1000
}

/** The duration in seconds. @throws Error when the number of bytes differs */
async function get(
  port: number,
  path: string,
  headers: Record<string, string>,
  megabytes: number,
): Promise<number> {
  const started = performance.now()
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, headers }, resolve).on('error', reject).end()
  })
  if (response.statusCode !== 200) throw new Error(`The download was answered ${response.statusCode}.`)
  let bytes = 0
  for await (const chunk of response) bytes += chunk.length
  if (bytes !== megabytes * MEGABYTE) throw new Error(`The download had ${bytes} bytes.`)
  return (performance.now() - started) / 1000
}
