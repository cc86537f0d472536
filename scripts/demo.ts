/**
 * `npm run demo [-- clip.mp4 --type overlay --params '{…}']`: a complete job, end to end. Starts the service and
 * runpod-local (or uses a running `npm start`), uploads a clip, exports it, shows progress, downloads the result.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import { basename, extname, join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { createExports } from '../client/index.ts'
import type { CreateJob, Job, JobEvent, JsonObject } from '../client/types.ts'
import { makeClip, probe } from './clip.ts'
import { answers, freePort, Stack } from './stack.ts'
import { bytes, ProgressLine, seconds } from './terminal.ts'
import { whileRunning } from './while-running.ts'
import { ROOT } from './wrangler.ts'

const DEFAULT_PARAMS = new Map<string, JsonObject>([
  [
    'overlay',
    {
      items: [
        { type: 'text', text: 'Made with Exportal', x: 0.05, y: 0.82, size: 0.09, background: '#101820' },
      ],
    },
  ],
  ['trim', { start_seconds: 1, end_seconds: 3 }],
  ['crop', { aspect_ratio: '9:16' }],
])

interface Options {
  clip: string | null
  /** Validated by the service, whose refusal lists the valid types. */
  type: string
  params: JsonObject
}

function readOptions(args: string[]): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { type: { type: 'string', default: 'overlay' }, params: { type: 'string' } },
  })
  if (positionals.length > 1) throw new Error('Give at most one video file.')
  const { type } = values
  return {
    clip: positionals[0] ?? null,
    type,
    params: readParams(values.params) ?? DEFAULT_PARAMS.get(type) ?? {},
  }
}

function readParams(text: string | undefined): JsonObject | null {
  if (text === undefined) return null
  const parsed = parsedOrNull(text)
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new Error(`--params must be a JSON object such as '{"start_seconds": 1}', not ${text}`)
  }
  return parsed as JsonObject
}

function parsedOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options.clip !== null && !(await stat(options.clip)).isFile())
    throw new Error(`${options.clip} is no file.`)
  const started = Date.now()
  const { stack, running } = await findOrMake()
  console.log(
    running ? `Using the service that runs on ${stack.url}.` : 'Starting the service and runpod-local…',
  )
  try {
    if (running) await exportOne(options, stack)
    else await whileRunning(stack, () => exportOne(options, stack))
    console.log(`  Everything took ${seconds(Date.now() - started)}.`)
  } catch (error) {
    const short = (path: string) => relative(process.cwd(), path)
    throw new Error(`${messageOf(error)}\nLogs: ${short(stack.serviceLog)}, ${short(stack.runpodLog)}`)
  }
}

/** A running `npm start`, or else both processes that are to be started, with the same state directory. */
async function findOrMake(): Promise<{ stack: Stack; running: boolean }> {
  const stateDir = `${ROOT}/.exportal`
  const stack = new Stack({ stateDir, servicePort: 8787, runpodPort: 8788 })
  if ((await answers(`${stack.url}/health`)) && (await answers(`${stack.runpodUrl}/jobs`)))
    return { stack, running: true }
  const ports = { servicePort: await freePort(8787), runpodPort: await freePort(8788) }
  return { stack: new Stack({ stateDir, ...ports }), running: false }
}

async function exportOne(options: Options, stack: Stack): Promise<void> {
  const clip = options.clip ?? (await madeClip())
  const client = createExports({ baseUrl: stack.url })
  const line = new ProgressLine()

  const uploadStarted = Date.now()
  const { size } = await stat(clip)
  const file = { name: basename(clip), size, stream: () => webStream(clip) }
  const { video_key } = await client.uploadVideo(file, {
    projectId: 1,
    onProgress: (sent) => line.show('uploading', (sent.loaded / size) * 100, bytes(size)),
  })
  line.end()
  const uploadMs = Date.now() - uploadStarted

  const { type, params } = options
  // The service validates the params; those of the command line are passed on unchanged.
  const created = await client.jobs.create({
    project_id: 1,
    type,
    input_video_key: video_key,
    params,
  } as CreateJob)
  console.log(`  Job ${created.job_id} accepted; watching ${created.websocket_url}`)
  const job = await client.jobs.waitFor(created.job_id, {
    onProgress: (percent, now) => line.show(now.stage ?? now.status, percent, attemptNote(now)),
    resolveFailed: true,
  })
  line.end()
  if (job.status !== 'complete') {
    throw new Error(
      `The export ended as ${job.status}: ${job.error?.message ?? job.reason} (${job.error?.code ?? '-'})`,
    )
  }

  const downloadStarted = Date.now()
  const path = await download(job, stack.url)
  const downloadMs = Date.now() - downloadStarted
  const result = await probe(path)
  const stored = (await stat(path)).size
  const { events } = await client.jobs.events(job.id)
  console.log(`
  Result    ${relative(process.cwd(), path)}
  Size      ${bytes(stored)}, ${result.width}×${result.height}, ${result.durationSeconds.toFixed(2)} s of video
  Stages    upload ${seconds(uploadMs)}, ${stagesOf(events)}, download ${seconds(downloadMs)}
`)
}

async function madeClip(): Promise<string> {
  const path = join(ROOT, '.exportal', 'demo-clip.mp4')
  console.log('Making a clip of 4 seconds…')
  await makeClip(path, 4)
  return path
}

function webStream(path: string): ReadableStream<Uint8Array> {
  // Node's and the DOM's stream types differ in a detail of BYOB readers, which are not used here.
  return Readable.toWeb(createReadStream(path)) as unknown as ReadableStream<Uint8Array>
}

async function download(job: Job, baseUrl: string): Promise<string> {
  if (!job.output_url || !job.output_video_key) throw new Error('The job is complete but carries no output.')
  const path = join(ROOT, 'out', `${job.id}${extname(job.output_video_key)}`)
  await mkdir(join(ROOT, 'out'), { recursive: true })
  const response = await fetch(new URL(job.output_url, baseUrl))
  if (!response.ok || !response.body) throw new Error(`The download answered ${response.status}.`)
  await pipeline(response.body, createWriteStream(path))
  return path
}

/** How long each stage took, from the job's log. */
function stagesOf(events: readonly JobEvent[]): string {
  const marks = events.flatMap((event) => {
    const name = event.type === 'processing' || event.type === 'stage' ? event.data.stage : event.type
    return typeof name === 'string' ? [{ name, at: Date.parse(event.at) }] : []
  })
  const spans = marks
    .slice(0, -1)
    .map((mark, index) => ({ ...mark, ms: (marks[index + 1]?.at ?? mark.at) - mark.at }))
  const total = new Map<string, number>()
  for (const { name, ms } of spans) total.set(name, (total.get(name) ?? 0) + ms)
  return [...total]
    .filter(([, ms]) => ms >= 50)
    .map(([name, ms]) => `${name} ${seconds(ms)}`)
    .join(', ')
}

function attemptNote(job: { attempt: number }): string {
  return job.attempt > 1 ? `attempt ${job.attempt}` : ''
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

try {
  await main()
} catch (error) {
  console.error(`\n${messageOf(error)}`)
  process.exitCode = 1
}
