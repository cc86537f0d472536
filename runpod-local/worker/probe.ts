/**
 * Reads the contents of a media file by ffprobe. The container is determined by its first bytes, never by ffprobe's
 * guess.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import * as v from 'valibot'
import { invalidMedia, JobFailure } from './failure.ts'
import { lastLines } from './ffmpeg.ts'
import { FILES_OUT_OF_REACH, failureOf } from './ffmpeg-failure.ts'
import { CHILD_ENV, type Ffmpeg } from './find-ffmpeg.ts'
import type { Demuxer, Probe } from './media.ts'
import { Answer, choose, type Packets } from './streams.ts'

export type { Probe } from './media.ts'

/** ISO media begin with the brands in their first box; older QuickTime files begin with one of the other boxes. */
const MOV_BOXES = new Set(['ftyp', 'styp', 'moov', 'mdat', 'wide', 'free', 'skip'])
const MAGIC: readonly (readonly [string, Demuxer])[] = [
  ['\x1a\x45\xdf\xa3', 'matroska'],
  ['OggS', 'ogg'],
  ['FLV\x01', 'flv'],
  ['\x30\x26\xb2\x75\x8e\x66\xcf\x11', 'asf'],
  ['\x00\x00\x01\xba', 'mpeg'],
  ['\x06\x0e\x2b\x34\x02\x05\x01\x01', 'mxf'],
  ['GIF8', 'gif'],
]

/** Plain packets, packets with a timestamp before each, and packets with a checksum after each. */
const PACKET_BYTES = [188, 192, 204]
const HEAD_BYTES = 1024

const PACKET = 'packet=stream_index,pts_time,dts_time,duration_time,flags'

/**
 * Reads the whole file at `path`: only its packets determine its duration and the times of its frames. `what` names it
 * in the failure.
 * @throws JobFailure `invalid_media` when it is no video; the reason of `signal` when it aborts
 */
export async function probe(
  path: string,
  ffmpeg: Ffmpeg,
  what = 'The input',
  signal?: AbortSignal,
): Promise<Probe> {
  const demuxer = await demuxerOf(path)
  if (demuxer === null) {
    throw invalidMedia(
      `${what} is not a video that can be read: it must be MP4, MOV, WebM, MKV, MPEG-TS, AVI, WMV, FLV, MPG, OGV, MXF or GIF.`,
    )
  }
  const source = ['-v', 'error', '-protocol_whitelist', 'file', '-f', demuxer, '-i', path]
  const packets: Packets = new Map()
  let rest: string | null = null
  const asked = [
    '-show_format',
    '-show_programs',
    '-show_streams',
    '-show_entries',
    PACKET,
    '-of',
    'json=compact=1',
  ]
  await ask(ffmpeg, [...source, ...asked], what, signal, (line) => {
    // The packets come first, one per line: they may be too many to keep as text.
    if (rest !== null) rest += line
    else if (line.startsWith('    ],')) rest = '{'
    else take(packets, line)
  })
  return choose(
    demuxer,
    v.parse(Answer, JSON.parse(rest ?? '{}')),
    packets,
    (codec) => ffmpeg.decoders.has(codec),
    what,
  )
}

/** Parses the line of one packet. Packets removed by an edit list (`D` in the flags) are never shown. */
export function take(packets: Packets, line: string): void {
  const fields = new Map([...line.matchAll(/"(\w+)": "?([^",}]+)/g)].map(([, name, value]) => [name, value]))
  const stream = Number(fields.get('stream_index') ?? Number.NaN)
  const at = Number(fields.get('pts_time') ?? fields.get('dts_time') ?? Number.NaN)
  if (!Number.isFinite(stream) || !Number.isFinite(at) || fields.get('flags')?.includes('D')) return
  const list = packets.get(stream) ?? []
  list.push({ at, length: Number(fields.get('duration_time') ?? 0) })
  packets.set(stream, list)
}

/** ffmpeg's demuxer for the file, by its first bytes; null for an unsupported container. */
async function demuxerOf(path: string): Promise<Demuxer | null> {
  const file = await open(path)
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0)
    const head = buffer.toString('latin1', 0, bytesRead)
    if (MOV_BOXES.has(head.slice(4, 8))) return 'mov'
    if (head.startsWith('RIFF') && head.slice(8, 11) === 'AVI') return 'avi'
    const named = MAGIC.find(([magic]) => head.startsWith(magic))
    if (named !== undefined) return named[1]
    return isTransportStream(head) ? 'mpegts' : null
  } finally {
    await file.close()
  }
}

/** Packets begin with `G`, and a recording may begin within one (ISO/IEC 13818-1, 2.4.3.2). */
function isTransportStream(head: string): boolean {
  return PACKET_BYTES.some((step) =>
    Array.from({ length: step }, (_, start) =>
      [0, 1, 2, 3].map((packet) => head[start + packet * step]),
    ).some((firsts) => firsts.every((first) => first === 'G')),
  )
}

/** Runs ffprobe to its end. */
async function ask(
  { probePath }: Ffmpeg,
  args: readonly string[],
  what: string,
  signal: AbortSignal | undefined,
  onLine: (line: string) => void,
): Promise<void> {
  signal?.throwIfAborted()
  const child = spawn(probePath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: CHILD_ENV })
  const kill = () => child.kill('SIGKILL')
  signal?.addEventListener('abort', kill, { once: true })
  try {
    const ended = endOf(child)
    createInterface({ input: child.stdout }).on('line', onLine)
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = lastLines(said + text)
    })
    const { code, killedBy, message } = await ended
    signal?.throwIfAborted()
    if (killedBy !== null) throw failureOf({ code, killedBy, message: '' })
    if (code === null) throw new JobFailure('worker_error', `ffprobe did not start: ${message}`, true)
    // Its error message contains the path; the text after the last colon is the reason.
    const reason = said.trim().split(': ').at(-1) || 'it cannot be read'
    if (code !== 0 && FILES_OUT_OF_REACH.test(reason))
      throw new JobFailure('worker_error', `${what} cannot be read by this worker: ${reason}.`, true)
    if (code !== 0) throw invalidMedia(`${what} is damaged: ${reason}.`)
  } finally {
    signal?.removeEventListener('abort', kill)
  }
}

function endOf(
  child: ChildProcess,
): Promise<{ code: number | null; killedBy: string | null; message: string }> {
  return new Promise((resolve) => {
    child.once('error', ({ message }) => resolve({ code: null, killedBy: null, message }))
    child.once('close', (code, killedBy) => resolve({ code, killedBy, message: '' }))
  })
}
