/**
 * `npm run test:large -- [--size BYTES] [--rounds N] [--dir DIRECTORY]`: one large file through the Worker's PUT and GET beside a
 * Worker that does nothing but `env.VIDEOS.put(request.body)`, in turns and each in a workerd of its own. Memory may
 * grow by at most 64 MB more than there, and throughput must be at least 0.9 of it. Processor time is shown beside it, for
 * computers that have other things to do. The buckets are kept in DIRECTORY: on a RAM disk it is no disk that is measured.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundleService, bundleWorker } from '../../bench/bundle.ts'
import { Runtime } from '../../bench/runtime.ts'
import { get, put } from './transfer.ts'

const MEGABYTE = 1_000_000
const MAX_MORE_MEMORY = 64 * MEGABYTE
const LEAST_THROUGHPUT = 0.9
const SAMPLE_MS = 10
const TYPE = 'video/mp4'

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1000000000' },
    rounds: { type: 'string', default: '5' },
    dir: { type: 'string', default: tmpdir() },
  },
})
const size = Number(values.size)
const rounds = Number(values.rounds)
if (!Number.isSafeInteger(size) || size < 1 || !(rounds >= 1))
  throw new Error('--size and --rounds are numbers from 1.')

interface Contender {
  name: string
  runtime: Runtime
  /** The URLs to store and read a file of this size, repeatedly. */
  addresses(size: number): Promise<{ put: string; get: string }>
}

interface Passage {
  /** Megabytes per second. */
  put: number
  get: number
  /** Seconds of processor time for both. */
  cpu: number
  /** The maximum number of bytes above the initial memory. */
  memory: number
}

async function startExportal(dir: string): Promise<Contender> {
  const runtime = await Runtime.start({
    name: 'exportal',
    bundle: await bundleService(join(dir, 'exportal')),
    actors: { EXPORT_JOB: 'ExportJob', LANE: 'Lane', UPLOAD: 'Upload' },
    vars: {
      ENVIRONMENT: 'development',
      PUBLIC_URL: 'http://127.0.0.1:$PORT',
      MAX_PUT_BYTES: String(size),
      MAX_UPLOAD_BYTES: String(size),
    },
  })
  const base = `http://127.0.0.1:${runtime.port}`
  const addresses = async (bytes: number) => {
    const answer = await fetch(`${base}/api/videos/upload-url`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ filename: 'large.mp4', content_type: TYPE, size_bytes: bytes }),
    })
    const plan = (await answer.json()) as { upload_url: string; video_key: string }
    return { put: plan.upload_url, get: `${base}/api/videos/download/${plan.video_key}` }
  }
  return { name: 'exportal', runtime, addresses }
}

async function startBare(dir: string): Promise<Contender> {
  const runtime = await Runtime.start({
    name: 'bare',
    bundle: await bundleWorker('workers/floor.ts', join(dir, 'bare')),
    actors: { FLOOR: 'Floor' },
  })
  const url = `http://127.0.0.1:${runtime.port}/video/large`
  const addresses = async () => ({ put: url, get: url })
  return { name: 'bare', runtime, addresses }
}

/** The maximum memory while `act` ran. */
async function watched(runtime: Runtime, act: () => Promise<void>): Promise<number> {
  let most = memoryOf(runtime)
  const timer = setInterval(() => {
    most = Math.max(most, memoryOf(runtime))
  }, SAMPLE_MS)
  try {
    await act()
  } finally {
    clearInterval(timer)
  }
  return Math.max(most, memoryOf(runtime))
}

function memoryOf(runtime: Runtime): number {
  const bytes = runtime.memoryBytes()
  if (bytes === null) throw new Error('This system does not say how much memory a process holds.')
  return bytes
}

async function pass(runtime: Runtime, url: { put: string; get: string }, before: number): Promise<Passage> {
  const speeds: number[] = []
  const timed = async (act: () => Promise<void>) => {
    const start = performance.now()
    await act()
    speeds.push(size / MEGABYTE / ((performance.now() - start) / 1000))
  }
  const cpuBefore = runtime.cpuSeconds() ?? 0
  const most = await watched(runtime, async () => {
    await timed(() => put(url.put, size, TYPE))
    await timed(() => get(url.get, size))
  })
  const cpu = (runtime.cpuSeconds() ?? 0) - cpuBefore
  const [putSpeed = 0, getSpeed = 0] = speeds
  return { put: putSpeed, get: getSpeed, cpu, memory: most - before }
}

/** Loads code and opens databases, so that only the file itself is measured. @returns the memory in use afterwards */
async function warm({ runtime, addresses }: Contender): Promise<number> {
  const { put: there, get: back } = await addresses(MEGABYTE)
  await put(there, MEGABYTE, TYPE)
  await get(back, MEGABYTE)
  return memoryOf(runtime)
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1)
  return middle.reduce((sum, number) => sum + number, 0) / middle.length
}

// Where the runtimes keep their state as well.
process.env.TMPDIR = values.dir
const dir = await mkdtemp(join(values.dir, 'exportal-large-'))
const contenders = [await startExportal(dir), await startBare(dir)] as const
const seen = new Map<string, Passage[]>(contenders.map(({ name }) => [name, []]))
try {
  const before = [await warm(contenders[0]), await warm(contenders[1])] as const
  const urls = [await contenders[0].addresses(size), await contenders[1].addresses(size)] as const
  console.log(`${size} bytes, ${rounds} rounds in turns`)
  console.log('round  worker     PUT MB/s  GET MB/s  processor s  memory grown MB')
  for (let round = 1; round <= rounds; round++) {
    // The order alternates, since the disk may be in another state for the second of a pair.
    const order = round % 2 === 1 ? ([0, 1] as const) : ([1, 0] as const)
    for (const which of order) {
      const contender = contenders[which]
      const passage = await pass(contender.runtime, urls[which], before[which])
      seen.get(contender.name)?.push(passage)
      const { put, get, cpu, memory } = passage
      const columns = [put.toFixed(0), get.toFixed(0), cpu.toFixed(1), (memory / MEGABYTE).toFixed(0)]
      const figures = columns.map((text, nth) => text.padStart([8, 8, 11, 15][nth] ?? 0))
      console.log(`${String(round).padStart(5)}  ${contender.name.padEnd(9)} ${figures.join('  ')}`)
    }
  }
} finally {
  await Promise.all(contenders.map(({ runtime }) => runtime.stop()))
  await rm(dir, { recursive: true, force: true })
}

const figure = (name: string, of: keyof Passage, sum: (numbers: number[]) => number) =>
  sum((seen.get(name) ?? []).map((passage) => passage[of]))
const most = (numbers: number[]) => Math.max(...numbers)
const more = figure('exportal', 'memory', most) - figure('bare', 'memory', most)
const ratio = (of: 'put' | 'get') => figure('exportal', of, median) / figure('bare', of, median)
const verdicts: [string, string, boolean][] = [
  [
    'memory beyond the bare Worker',
    `${(more / MEGABYTE).toFixed(1)} MB (at most 64)`,
    more <= MAX_MORE_MEMORY,
  ],
  [
    'PUT, of the bare Worker’s',
    `${ratio('put').toFixed(3)} (at least 0.9)`,
    ratio('put') >= LEAST_THROUGHPUT,
  ],
  [
    'GET, of the bare Worker’s',
    `${ratio('get').toFixed(3)} (at least 0.9)`,
    ratio('get') >= LEAST_THROUGHPUT,
  ],
]
const cpuRatio = figure('exportal', 'cpu', median) / figure('bare', 'cpu', median)
console.log(`       processor time, of the bare Worker’s: ${cpuRatio.toFixed(3)}`)
for (const [what, value, holds] of verdicts) console.log(`${holds ? 'holds' : 'FAILS'}  ${what}: ${value}`)
if (verdicts.some(([, , holds]) => !holds)) process.exitCode = 1
