/** Inspects a finished file with the ffmpeg on PATH, independently of the workers. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

interface Stream {
  codec_type: string
  codec_name: string
  width?: number
  height?: number
  pix_fmt?: string
  sample_aspect_ratio?: string
  color_range?: string
  color_space?: string
  color_transfer?: string
  color_primaries?: string
  channels?: number
  side_data_list?: { rotation?: number }[]
  tags?: Record<string, string>
}

export interface Seen {
  /** The kinds of streams, in their order. */
  kinds: string[]
  size: string
  /** The number of frames shown. */
  frames: number
  /** Range, matrix, transfer, primaries. */
  tags: string
  rotation: number
  /** Seconds. */
  duration: number
  chapters: number
  /** Names of metadata of the container and the streams that reveal something about the input. */
  notes: string[]
  /** RGB at a position in a frame, all counted from 0. */
  at(frame: number): (x: number, y: number) => number[]
  /** RGB24 of the first frame, row by row. */
  picture: { width: number; height: number; pixels: Uint8Array }
  /** RGB at a position, in fractions of the frame, in the first and the last frame. */
  first(x: number, y: number): number[]
  last(x: number, y: number): number[]
  /** The frequency of its tone, in Hz: of both sides together, or of the one with this index. */
  pitch(side?: number): Promise<number>
}

const run = async (program: string, args: string[]): Promise<Buffer> =>
  (await promisify(execFile)(program, args, { encoding: 'buffer', maxBuffer: 2 ** 28 })).stdout

/** Inspects the file at `path`. @throws Error when it cannot be decoded */
export async function look(path: string): Promise<Seen> {
  const asked = ['-v', 'error', '-show_streams', '-show_format', '-show_chapters', '-of', 'json', path]
  const scaled =
    'scale=in_color_matrix=bt709:in_range=tv:flags=bicubic+accurate_rnd+full_chroma_int,format=rgb24'
  const picture = ['-map', '0:v:0', '-vf', scaled, '-vsync', '0', '-f', 'rawvideo', '-']
  const [said, raw] = await Promise.all([
    run('ffprobe', asked),
    run('ffmpeg', ['-v', 'error', '-i', path, ...picture]),
  ])
  const { streams, format, chapters } = JSON.parse(String(said)) as {
    streams: Stream[]
    format: { duration: string; tags?: Record<string, string> }
    chapters: unknown[]
  }
  const video = streams.find(({ codec_type }) => codec_type === 'video')
  if (video === undefined) throw new Error('there is no picture')
  const [width, height] = [video.width ?? 0, video.height ?? 0]
  const size = width * height * 3
  const pixel = (frame: number) => (x: number, y: number) => {
    const at = frame * size + (Math.floor(y * height) * width + Math.floor(x * width)) * 3
    return [...raw.subarray(at, at + 3)]
  }
  const about = [format.tags ?? {}, ...streams.map(({ tags }) => tags ?? {})].flatMap(Object.keys)
  return {
    kinds: streams.map(({ codec_type, codec_name }) => `${codec_type} ${codec_name}`),
    size: `${width}x${height}`,
    frames: Math.floor(raw.length / size),
    tags: [video.color_range, video.color_space, video.color_transfer, video.color_primaries].join(' '),
    rotation: video.side_data_list?.find(({ rotation }) => rotation !== undefined)?.rotation ?? 0,
    duration: Number(format.duration),
    chapters: chapters.length,
    notes: about.filter((name) => /location|title|comment|artist|creation_time/i.test(name)),
    at: pixel,
    picture: { width, height, pixels: raw.subarray(0, size) },
    first: pixel(0),
    last: pixel(Math.max(0, Math.floor(raw.length / size) - 1)),
    pitch: (side) => pitchOf(path, side),
  }
}

/**
 * The frequency of a tone in Hz: by the median time between rising zero crossings, since encoders add noise at both
 * ends.
 */
async function pitchOf(path: string, side: number | undefined): Promise<number> {
  const from = side === undefined ? ['-ac', '1'] : ['-af', `pan=mono|c0=c${side}`]
  const mono = ['-map', '0:a:0', ...from, '-ar', '48000', '-f', 's16le', '-']
  const pcm = await run('ffmpeg', ['-v', 'error', '-i', path, ...mono])
  const samples = new Int16Array(pcm.buffer, pcm.byteOffset, Math.floor(pcm.length / 2))
  const rises: number[] = []
  samples.forEach((value, at) => {
    if ((samples[at - 1] ?? 0) < 0 && value >= 0) rises.push(at)
  })
  const waves = rises.slice(1).map((at, index) => at - (rises[index] ?? 0))
  return 48_000 / (waves.toSorted((a, b) => a - b)[Math.floor(waves.length / 2)] ?? 0)
}
