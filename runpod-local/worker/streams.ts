/** Selects from ffprobe's output the streams to export, with their format and times. */
import { isDeepStrictEqual } from 'node:util'
import * as v from 'valibot'
import { invalidMedia } from './failure.ts'
import type { Demuxer, Picture, Probe, Sound } from './media.ts'
import { swapsSides, type Turn, turnOfMatrix } from './orientation.ts'

const text = v.optional(v.string(), '')
const whole = v.optional(v.number(), 0)

/** The fields of `-show_format -show_programs -show_streams -of json` that are used. */
export const Answer = v.object({
  format: v.optional(v.object({ start_time: text }), {}),
  programs: v.optional(
    v.array(v.object({ streams: v.optional(v.array(v.object({ index: v.number() })), []) })),
    [],
  ),
  streams: v.optional(
    v.array(
      v.object({
        index: v.number(),
        codec_type: text,
        codec_name: text,
        width: whole,
        height: whole,
        sample_aspect_ratio: text,
        pix_fmt: text,
        field_order: text,
        color_range: text,
        color_space: text,
        color_transfer: text,
        color_primaries: text,
        r_frame_rate: text,
        start_time: text,
        channels: whole,
        sample_rate: text,
        disposition: v.optional(v.record(v.string(), v.number()), {}),
        tags: v.optional(v.object({ alpha_mode: text, language: text }), {}),
        side_data_list: v.optional(
          v.array(
            v.object({
              displaymatrix: text,
              dv_profile: whole,
              dv_bl_signal_compatibility_id: v.optional(v.number(), 1),
            }),
          ),
          [],
        ),
      }),
    ),
    [],
  ),
})
export type Answer = v.InferOutput<typeof Answer>
type Stream = Answer['streams'][number]

/** The presentation time of a packet, and its duration, 0 when unknown; seconds. */
interface Packet {
  at: number
  length: number
}

/** The packets of each stream, in the order of the file. */
export type Packets = Map<number, Packet[]>

/**
 * Chooses a picture and a sound. The picture is the first stream that is no attached picture, can be decoded by ffmpeg
 * and has more than one frame, else one with a single frame. The sound is the default one, else the first, skipping
 * those that cannot be decoded and, where possible, those of other programs; a pair of sides is one sound. `decodes`
 * checks a codec.
 * @throws JobFailure `invalid_media` when there is no picture
 */
export function choose(
  demuxer: Demuxer,
  { format, programs, streams }: Answer,
  packets: Packets,
  decodes: (codec: string) => boolean,
  what: string,
): Probe {
  const pictures = streams.filter((each) => each.codec_type === 'video' && !isCover(each))
  const sounds = streams.filter(({ codec_type }) => codec_type === 'audio')
  if (pictures.length === 0) throw invalidMedia(`${what} has no video track.`)
  const seen = pictures.filter(({ codec_name }) => decodes(codec_name))
  const [first] = pictures
  if (seen.length === 0)
    throw invalidMedia(`${what} has a picture that this worker cannot decode (${nameOf(first)}).`)
  const shown = (least: number) =>
    seen.find(
      ({ index, width, height }) => width > 0 && height > 0 && (packets.get(index)?.length ?? 0) > least,
    )
  const video = shown(1) ?? shown(0)
  if (video === undefined) throw invalidMedia(`${what} holds no picture.`)
  const dolby = video.side_data_list.find(({ dv_profile }) => dv_profile === 5)
  if (dolby?.dv_bl_signal_compatibility_id === 0)
    throw invalidMedia(`${what} is Dolby Vision of profile 5, whose colours this worker cannot read.`)
  const lasts = (list: readonly Packet[] = []) => endOf(list) > startOf(list)
  const audible = sounds.filter(({ index, codec_name }) => decodes(codec_name) && lasts(packets.get(index)))
  const program = programs.find((each) => each.streams.some(({ index }) => index === video.index))
  const beside = audible.filter(({ index }) => program?.streams.some((each) => each.index === index))
  const own = beside.length > 0 ? beside : audible
  const audio = own.find(({ disposition }) => disposition.default === 1) ?? own[0]
  const right = own.find((each) => own.length === 2 && each !== audio)
  const isPair = audio !== undefined && right !== undefined && areSides(audio, right, packets)
  const lost = audio === undefined ? sounds[0] : undefined
  const notes =
    lost === undefined ? [] : [`The result has no sound: ${nameOf(lost)} cannot be decoded or holds nothing.`]
  return timed(
    demuxer,
    Number.parseFloat(format.start_time),
    video,
    audio,
    isPair ? right : undefined,
    packets,
    notes,
  )
}

/**
 * Whether these are the two sides of one recording: cameras store each microphone, uncompressed, as a stream of one
 * channel. Compressed streams of one channel are rather alternatives, in a broadcast for example.
 */
function areSides(left: Stream, right: Stream, packets: Packets): boolean {
  const [one, other] = [packets.get(left.index) ?? [], packets.get(right.index) ?? []]
  const isSame = (a: number, b: number) => Math.abs(a - b) <= 0.001
  return (
    left.channels === 1 &&
    right.channels === 1 &&
    left.codec_name.startsWith('pcm_') &&
    left.codec_name === right.codec_name &&
    left.sample_rate === right.sample_rate &&
    left.tags.language === right.tags.language &&
    isDeepStrictEqual(left.disposition, right.disposition) &&
    isSame(startOf(one), startOf(other)) &&
    isSame(endOf(one), endOf(other))
  )
}

/** Whether it is a cover, or a strip of previews. */
function isCover({ disposition }: Stream): boolean {
  return disposition.attached_pic === 1 || disposition.timed_thumbnails === 1
}

function nameOf(stream: Stream | undefined): string {
  return stream?.codec_name || 'an unknown codec'
}

const startOf = (list: readonly Packet[]) => list.reduce((least, { at }) => Math.min(least, at), Infinity)
const endOf = (list: readonly Packet[]) =>
  list.reduce((most, { at, length }) => Math.max(most, at + length), -Infinity)

/** Maximum for a last frame of unknown duration, which is taken to be that of the one before; seconds. */
const MAX_GUESS = 0.25

function timed(
  demuxer: Demuxer,
  fileStart: number,
  video: Stream,
  audio: Stream | undefined,
  right: Stream | undefined,
  packets: Packets,
  notes: string[],
): Probe {
  const frames = (packets.get(video.index) ?? []).toSorted((a, b) => a.at - b.at)
  const soundPackets = audio && (packets.get(audio.index) ?? [])
  const origin = Math.min(startOf(frames), soundPackets ? startOf(soundPackets) : Infinity)
  const since = (at: number) => Math.round((at - origin) * 1e6) / 1e6
  const times = frames.map(({ at }) => since(at))
  const last = frames.at(-1)
  const step = times.length > 1 ? (times.at(-1) ?? 0) - (times.at(-2) ?? 0) : 0
  const end = since((last?.at ?? 0) + (last?.length || Math.min(step, MAX_GUESS) || 0.04))
  const sound: Sound | null =
    audio && soundPackets
      ? {
          index: audio.index,
          codec: audio.codec_name,
          channels: audio.channels,
          ...(right && { right: right.index }),
          start: since(startOf(soundPackets)),
          end: since(endOf(soundPackets)),
        }
      : null
  const lead = Number.isFinite(fileStart) ? Math.round((origin - fileStart) * 1e6) / 1e6 : 0
  const turn = turnOf(video)
  const size = displaySize(video)
  return {
    demuxer,
    duration: Math.max(end, sound?.end ?? 0),
    lead: lead < 0.001 ? 0 : lead,
    width: swapsSides(turn) ? size.height : size.width,
    height: swapsSides(turn) ? size.width : size.height,
    picture: { ...pictureOf(demuxer, video, turn, times), times, end },
    sound,
    notes,
  }
}

function turnOf({ side_data_list }: Stream): Turn {
  const matrix = side_data_list.find(({ displaymatrix }) => displaymatrix !== '')
  return matrix === undefined ? 'none' : turnOfMatrix(matrix.displaymatrix)
}

/** The size with square pixels, keeping the larger dimension. */
function displaySize({ width, height, sample_aspect_ratio }: Stream): { width: number; height: number } {
  const [across = 1, down = 1] = /^\d+:\d+$/.test(sample_aspect_ratio)
    ? sample_aspect_ratio.split(':').map(Number)
    : [1, 1]
  const ratio = across > 0 && down > 0 ? across / down : 1
  if (ratio > 1) return { width: Math.round(width * ratio), height }
  return { width, height: Math.round(height / ratio) }
}

/** Formats of pixels with alpha, by ffmpeg's names. */
const ALPHA = /^(yuva|gbrap|rgba|bgra|argb|abgr|ya\d|pal8)/

/** The fourth byte of an AVI without compression has no meaning (Microsoft, BITMAPINFOHEADER). */
function hasAlpha(demuxer: Demuxer, { codec_name, pix_fmt, tags }: Stream): boolean {
  if (demuxer === 'avi' && codec_name === 'rawvideo') return false
  return ALPHA.test(pix_fmt) || tags.alpha_mode === '1'
}

/** Codecs of which only frames tell whether they are interlaced. */
const UNTOLD_FIELDS = new Set(['dvvideo', 'mpeg4'])

function isInterlaced({ codec_name, field_order }: Stream): boolean {
  return (
    /^(tt|bb|tb|bt)$/.test(field_order) || (UNTOLD_FIELDS.has(codec_name) && /^(unknown)?$/.test(field_order))
  )
}

/** Colours without tags follow the size: BT.709 from 720 lines or 1280 columns on, BT.601 below. */
function pictureOf(
  demuxer: Demuxer,
  video: Stream,
  turn: Turn,
  times: readonly number[],
): Omit<Picture, 'times' | 'end'> {
  const tagOr = (name: string, otherwise: string) =>
    name === '' || name === 'unknown' || name === 'reserved' ? otherwise : name
  const hd = video.height >= 720 || video.width >= 1280
  const transfer = tagOr(video.color_transfer, 'bt709')
  const wide = transfer === 'smpte2084' || transfer === 'arib-std-b67'
  const rgb = /^(gbr|rgb|bgr|argb|abgr|0rgb|0bgr|pal8)/.test(video.pix_fmt)
  const full = video.color_range === 'pc' || video.pix_fmt.startsWith('yuvj')
  return {
    index: video.index,
    codec: video.codec_name,
    turn,
    transfer,
    matrix: rgb ? 'gbr' : tagOr(video.color_space, wide ? 'bt2020nc' : hd ? 'bt709' : 'smpte170m'),
    primaries: tagOr(video.color_primaries, wide ? 'bt2020' : 'bt709'),
    range: full || rgb ? 'pc' : 'tv',
    alpha: hasAlpha(demuxer, video),
    interlaced: isInterlaced(video),
    constant: isConstant(times, video.r_frame_rate),
  }
}

/**
 * Whether every frame falls into a slot of its own at ffmpeg's guess of the rate, within the millisecond to which
 * Matroska rounds. Only then does an encoder with a constant rate drop none. It moves frames by up to half a slot, so
 * slots must be short.
 */
function isConstant(times: readonly number[], guess: string): boolean {
  const [frames = 0, seconds = 1] = guess.split('/').map(Number)
  const rate = seconds > 0 ? frames / seconds : 0
  if (!(rate >= 10) || rate > 240) return false
  let before = -1
  return times.every((at) => {
    const slot = Math.round((at - (times[0] ?? 0)) * rate)
    const isOwn = slot > before && Math.abs(at - (times[0] ?? 0) - slot / rate) <= 0.0015
    before = slot
    return isOwn
  })
}
