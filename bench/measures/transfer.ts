/** A large file in and out again, against a bare put and get of the bucket. Both are streams all the way. */
import { type IncomingMessage, request } from 'node:http'
import { performance } from 'node:perf_hooks'
import { requestBytes } from '../http/connection.ts'
import { send, unexpected } from '../http/load.ts'
import type { Context, Measure } from '../measure.ts'
import { type Turn, takeTurns } from '../rounds.ts'
import type { Runtime } from '../runtime.ts'

const MEGABYTE = 1_000_000
/** Enough to have every path run once. */
const WARM_UP = 8
const CHUNK = Buffer.alloc(MEGABYTE, 'v')

export const transfer: Measure = async (context) => {
  const megabytes = context.quick ? 32 : 256
  const exportal = await context.contenders.exportal()
  const floor = await context.contenders.floor()
  let nth = 0
  const turns: Turn[] = [
    {
      name: 'exportal',
      run: async (warm) => {
        const size = warm ? WARM_UP : megabytes
        const { upload, key } = await signedUpload(context, exportal, size)
        const uploaded = await put(exportal.port, upload, size)
        const downloaded = await get(exportal.port, `/api/videos/download/${key}`, context)
        return { upload: size / uploaded, download: size / downloaded }
      },
    },
    {
      name: 'floor',
      run: async (warm) => {
        const size = warm ? WARM_UP : megabytes
        const path = `/video/large-${nth++}`
        const uploaded = await put(floor.port, path, size)
        return { upload: size / uploaded, download: size / (await get(floor.port, path, context)) }
      },
    },
  ]
  const figures = await takeTurns(turns, 2)
  const target = { sense: 'at least', value: 0.9, base: 'floor' } as const
  return Object.entries(figures).map(([figure, series]) => ({
    measure: `${figure} of ${megabytes} MB`,
    figure: 'rate',
    unit: 'MB/s',
    series,
    target,
  }))
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

/** Seconds. */
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

/** Seconds. */
async function get(port: number, path: string, context: Context): Promise<number> {
  const started = performance.now()
  const headers = context.contenders.authorization
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ port, host: '127.0.0.1', path, headers }, resolve).on('error', reject).end()
  })
  if (response.statusCode !== 200) throw new Error(`The download was answered ${response.statusCode}.`)
  let bytes = 0
  for await (const chunk of response) bytes += chunk.length
  if (bytes === 0) throw new Error('The download was empty.')
  return (performance.now() - started) / 1000
}
