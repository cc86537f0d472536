/** Real-world input files, created by ffmpeg on demand: by name, the arguments that create them. */
import { execFile, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { hasFfmpeg } from '../gpu-worker/python.ts'

/** Inputs are created by the one on PATH. */
export const MAKER = 'ffmpeg'
export const canMake =
  hasFfmpeg && /libx265/.test(String(spawnSync(MAKER, ['-hide_banner', '-encoders']).stdout))
if (!canMake)
  console.warn('NO FFMPEG WITH LIBX265 ON PATH TO MAKE INPUTS: the tests of real files are SKIPPED')

const lavfi = (...sources: string[]) => sources.map((source) => `-f lavfi -i ${source}`).join(' ')
const picture = (seconds = 2, size = '320x240') => `testsrc2=s=${size}:r=25:d=${seconds}`
const H264 = '-c:v libx264 -preset ultrafast -pix_fmt yuv420p'
const AAC = '-c:a aac'
const VP8 = '-c:v libvpx -deadline realtime -cpu-used 8 -b:v 500k'
const TAGS_709 = '-color_primaries bt709 -color_trc bt709 -colorspace bt709'
const TAGS_601 = '-colorspace smpte170m -color_primaries smpte170m -color_trc smpte170m'
const FILM = lavfi(picture(), 'sine=d=2')

/** A third of red, a third of blue at half opacity, and a third of transparent green that brightens. */
const SHEER = lavfi(
  "color=black:s=180x120:r=10:d=0.5,format=rgba,geq=r='255*lt(X,60)':g='(180+15*N)*gte(X,120)':" +
    "b='255*between(X,60,119)':a='255-127*gte(X,60)-128*gte(X,120)'",
)
/** Bars that move by eight columns with each of 50 fields a second. */
const fields = (scan: 'tff' | 'bff', size = '320x240') =>
  lavfi(
    `color=black:s=${size}:r=50:d=1,format=yuv420p,geq=lum='16+219*lt(mod(X+8*N,160),80)':cb=128:cr=128,` +
      `interlace=scan=${scan}:lowpass=off`,
  )

/** SMPTE bars as HDR: BT.709 with white at 203 cd/m², in BT.2020 with another transfer function. */
function hdr(transfer: 'smpte2084' | 'arib-std-b67'): string {
  const filter =
    'scale=out_color_matrix=bt709,format=yuv420p,' +
    'setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,' +
    `zscale=t=linear:npl=203,format=gbrpf32le,` +
    `zscale=p=bt2020:t=${transfer}:m=bt2020nc:r=tv:npl=203,format=yuv420p10le`
  const x265 = `log-level=none:colorprim=bt2020:transfer=${transfer}:colormatrix=bt2020nc`
  const bars = lavfi('smptebars=s=320x240:r=25:d=1')
  return `${bars} -vf ${filter} -c:v libx265 -preset ultrafast -x265-params ${x265} -tag:v hvc1`
}

/** Arguments of ffmpeg before the file's name, separated by spaces. A file named in them is created first. */
const RECIPES: Record<string, string> = {
  'base.mp4': `${FILM} ${H264} ${AAC}`,
  'cover.jpg': `${lavfi('color=red:s=120x200')} -frames:v 1`,
  'brand.png': `${lavfi('color=0xe60023:s=64x64,format=rgb24')} -frames:v 1`,
  'cover.mp4': '-i base.mp4 -i cover.jpg -map 1 -map 0 -c copy -disposition:v:0 attached_pic',
  'cover-first.mkv': '-i base.mp4 -attach cover.jpg -metadata:s:t mimetype=image/jpeg -c copy',
  'still-first.mkv': `${lavfi('color=red:s=120x200:r=25:d=0.04')} ${FILM} -map 0 -map 1 -map 2 ${H264} ${AAC}`,
  'gop2.ts': `${lavfi(picture(6), 'sine=d=6')} ${H264} -g 50 -sc_threshold 0 ${AAC}`,
  'no-duration.webm': `${FILM} ${VP8} -c:a libopus -f webm -live 1`,
  'own-times.webm':
    `${lavfi("testsrc2=s=320x240:r=1000:d=2,select='gt(random(1),0.97)'", 'sine=d=2')} ` +
    `${VP8} -vsync passthrough -c:a libopus`,
  'phone.mp4':
    `${lavfi("testsrc2=s=320x240:r=30:d=2,select='not(eq(mod(n,7),3))',settb=1/90000,setpts='PTS+mod(N,3)*300'")} ` +
    `-vsync passthrough -enc_time_base 1:90000 -video_track_timescale 90000 ${H264}`,
  'interlaced.ts': `${lavfi(picture(1, '1920x1080'), 'sine=d=1')} ${H264} -x264-params tff=1 -c:a mp2`,
  'latm.ts': `${FILM} ${H264} ${AAC} -mpegts_flags latm`,
  'two-pictures.mp4':
    `${lavfi('color=red:s=320x240:r=25:d=1', picture(1, '160x240'))} ` +
    `-map 0 -map 1 ${H264} -disposition:v default`,
  'long-subtitle.mkv': `${FILM} -i s.srt -map 0 -map 1 -map 2 ${H264} ${AAC} -c:s srt`,
  'chapters.mkv': `${FILM} -i c.txt -map 0 -map 1 -map_chapters 2 ${H264} ${AAC}`,
  'pq.mp4': hdr('smpte2084'),
  'hlg.mp4': hdr('arib-std-b67'),
  'grey-709.mp4':
    `${lavfi('color=gray:s=1280x720:r=25:d=0.4')} ` +
    `-vf scale=out_color_matrix=bt709,format=yuv420p -c:v libx264 ${TAGS_709}`,
  'red-601-full.mp4':
    `${lavfi('color=0xc83214:s=320x240:r=25:d=0.4')} -vf scale=out_color_matrix=bt601:out_range=pc,format=yuv420p ` +
    `-c:v libx264 -color_range pc ${TAGS_601}`,
  'place.mp4': `${FILM} ${H264} ${AAC} -metadata location=+48.1371+011.5754/ -metadata title=T`,
  'two-sounds.mkv':
    `${lavfi(picture(), 'sine=f=300:d=2', 'sine=f=1000:d=2')} -map 0 -map 1 -map 2 ${H264} ${AAC} ` +
    '-disposition:a:0 0 -disposition:a:1 default',
  'two-sides.mov':
    `${lavfi(picture(), 'sine=f=300:d=2:r=48000', 'sine=f=1000:d=2:r=48000')} -map 0 -map 1 -map 2 ` +
    `${H264} -c:a pcm_s16le -disposition:a default`,
  'two-sides.mxf':
    `${lavfi(picture(), 'sine=f=300:d=2:r=48000', 'sine=f=1000:d=2:r=48000')} -map 0 -map 1 -map 2 ` +
    '-c:v mpeg2video -c:a pcm_s16le',
  'two-languages.mkv':
    '-i two-sides.mov -map 0 -c copy -metadata:s:a:0 language=eng -metadata:s:a:1 language=fra',
  'nine-channels.mov':
    `${lavfi(picture(), `aevalsrc=${Array.from({ length: 9 }, () => 'sin(2764*t)/2').join('|')}:d=2`)} ` +
    `${H264} -c:a pcm_s16le`,
  'late-opus.mkv': `${lavfi(picture())} -itsoffset 0.7 ${lavfi('sine=d=1')} ${H264} -c:a libopus`,
  'early-other-sound.mkv':
    `-itsoffset 1 ${lavfi(picture())} -itsoffset 1 ${lavfi('sine=f=1000:d=2')} ${lavfi('sine=f=300:d=3')} ` +
    `-map 0 -map 1 -map 2 ${H264} ${AAC} -disposition:a:0 default -disposition:a:1 0`,
  'long-sound.mkv': `${lavfi(picture(1), 'sine=d=3')} ${H264} ${AAC}`,
  'turned.mp4': '-i base.mp4 -c copy -metadata:s:v:0 rotate=90',
  'long-pixels.mp4': `${lavfi('color=red:s=160x240:r=25:d=0.4,drawbox=0:0:80:240:blue:fill,setsar=2')} ${H264}`,
  'turned-long-pixels.mp4': '-i long-pixels.mp4 -c copy -metadata:s:v:0 rotate=90',
  'odd-422.mov':
    `${lavfi('testsrc2=s=322x242:r=25:d=1,crop=321:241:exact=1,setsar=4/3,format=yuv422p10le')} ` +
    '-c:v prores_ks',
  'one-frame.mp4': `${lavfi('color=blue:s=320x240:r=25:d=0.04')} ${H264}`,
  'animated.gif': `${lavfi('testsrc2=s=160x120:r=10:d=1')} -final_delay 300`,
  'old.avi': `${FILM} -c:v mpeg4 -c:a libmp3lame`,
  'small.webm': `${lavfi(picture(1, '160x120'))} ${VP8}`,
  'large.webm': `${lavfi(picture(1))} ${VP8}`,
  'two-sizes.webm': '-f concat -i sizes.txt -c copy',
  'slides.mkv':
    `${lavfi("color=red:s=160x120:r=1:d=8,drawbox=t=fill:color=lime:enable='gte(t,3)',drawbox=t=fill:color=blue:enable='gte(t,7)',select='eq(n,0)+eq(n,3)+eq(n,7)'")} ` +
    `-vsync vfr ${H264}`,
  'two-programs.ts':
    `${lavfi('sine=f=300:d=1', picture(1), 'sine=f=1000:d=1')} -map 0 -map 1 -map 2 ${H264} -c:a mp2 ` +
    '-program title=radio:st=0 -program title=tv:st=1:st=2',
  'whole.mkv': `${lavfi(picture(4))} ${H264}`,
  'film.ts': `${FILM} ${H264} -c:a mp2`,
  'p3.mp4':
    `${lavfi('color=0xc83214:s=160x120:r=25:d=0.4')} -vf scale=out_color_matrix=bt709,format=yuv420p,` +
    'setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv,zscale=t=linear,format=gbrpf32le,' +
    `zscale=p=smpte432:t=709:m=709:r=tv,format=yuv420p ${H264} -color_primaries smpte432 -color_trc bt709 -colorspace bt709`,
  'several.jpg':
    `${lavfi("color=red:s=120x200:r=1:d=2,drawbox=t=fill:color=blue:enable='gte(t,1)'")} ` +
    '-c:v mjpeg -f image2pipe',
  'line.png': `${lavfi('color=red:s=1000x4')} -vf crop=1000:1:exact=1,format=rgb24 -frames:v 1`,
  'sheer-prores.mov': `${SHEER} -c:v prores_ks -pix_fmt yuva444p10le`,
  'sheer-hlg.mov':
    `${SHEER},scale=out_color_matrix=bt2020,format=yuva444p10le -c:v prores_ks ` +
    '-color_primaries bt2020 -color_trc arib-std-b67 -colorspace bt2020nc',
  'sheer-qtrle.mov': `${SHEER} -c:v qtrle`,
  'sheer-png.mov': `${SHEER} -c:v png`,
  'sheer-vp9.webm': `${SHEER} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -crf 20 -b:v 0 -pix_fmt yuva420p`,
  'sheer-vp8.webm': `${SHEER} ${VP8} -auto-alt-ref 0 -pix_fmt yuva420p`,
  'sheer.gif':
    `${lavfi("color=red:s=180x120:r=10:d=0.5,format=rgba,geq=r=255:g=0:b='50*N':a='255*lt(X,60)'")} ` +
    '-filter_complex split[a][b];[a]palettegen[p];[b][p]paletteuse',
  'unused-alpha.avi': `${lavfi('color=0xc83214:s=160x120:r=25:d=0.4,format=bgra,geq=r=200:g=50:b=20:a=0')} -c:v rawvideo -pix_fmt bgra`,
  'fields-top.ts': `${fields('tff')} ${H264} -x264-params tff=1`,
  'fields-bottom.mpg': `${fields('bff')} -c:v mpeg2video -flags +ildct+ilme -b:v 5M`,
  'fields.mov': `${fields('tff')} -c:v prores_ks -flags +ildct -top 1`,
  'fields-dv.avi': `${fields('bff', '720x576')} -c:v dvvideo -pix_fmt yuv420p`,
  'one-of-fields.mp4': `${fields('tff')} -frames:v 1 ${H264} -x264-params tff=1`,
  'no-fields.mp4': `${fields('tff')} ${H264}`,
  'sound-only.m4a': `${lavfi('sine=d=1')} ${AAC}`,
  'two-colours.jpg': `${lavfi('color=red:s=64x32,drawbox=32:0:32:32:blue:fill')} -frames:v 1`,
  'two-colours.png': `${lavfi('color=red:s=64x32,drawbox=32:0:32:32:blue:fill,format=rgb24')} -frames:v 1`,
}

/** Text files that some recipes read. */
const TEXTS: Record<string, string> = {
  's.srt': '1\n00:00:00,500 --> 00:00:08,000\nhi\n',
  'c.txt':
    ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=600000\n',
  'sizes.txt': 'file large.webm\nfile small.webm\n',
}

/** Big-endian TIFF with an orientation of 6: to be rotated clockwise. */
const SIDEWAYS = 'ffe100224578696600004d4d002a00000008000101120003000000010006000000000000'

/** A chunk of a PNG (PNG, 5.3) with the same, as editors append it behind the picture. */
function sidewaysChunk(): Buffer {
  const content = Buffer.from(`65584966${SIDEWAYS.slice(20)}`, 'hex')
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length - 4)
  checksum.writeUInt32BE(crc32(content))
  return Buffer.concat([length, content, checksum])
}

/** Files that ffmpeg cannot create: patched bytes of one that it can. */
const PATCHED: Record<string, [from: string, patch: (file: Buffer) => Buffer]> = {
  'sideways.jpg': [
    'two-colours.jpg',
    (file) => Buffer.concat([file.subarray(0, 2), Buffer.from(SIDEWAYS, 'hex'), file.subarray(2)]),
  ],
  'sideways.png': [
    'two-colours.png',
    (file) => Buffer.concat([file.subarray(0, -12), sidewaysChunk(), file.subarray(-12)]),
  ],
  'unknown-sound.mp4': [
    'base.mp4',
    (file) =>
      Buffer.from(file.toString('latin1').replaceAll('mp4a', 'ac-4').replaceAll('esds', 'dac4'), 'latin1'),
  ],
  'torn.png': ['line.png', (file) => file.subarray(0, 50)],
  'torn.mkv': ['whole.mkv', (file) => file.subarray(0, Math.floor(file.length * 0.6))],
  'begun.ts': ['film.ts', (file) => file.subarray(100)],
  'silent.ts': ['film.ts', withoutSound],
  'cover-first.mp4': ['cover.mp4', withNotesFirst],
  'damaged.ts': [
    'gop2.ts',
    (file) => file.fill(0x55, Math.floor(file.length / 2), Math.floor(file.length / 2) + 40 * 188),
  ],
}

/** The thumbnail is in the metadata (`moov/udta`), which a drone writes before the tracks (ISO/IEC 14496-12, 4.2). */
function withNotesFirst(file: Buffer): Buffer {
  const moov = boxes(file, 0, file.length).find(({ type }) => type === 'moov')
  if (moov === undefined) throw new Error('there is no moov')
  const children = boxes(file, moov.start + 8, moov.end)
  const rank = new Map([
    ['mvhd', 0],
    ['udta', 1],
  ])
  const sorted = children.toSorted((a, b) => (rank.get(a.type) ?? 2) - (rank.get(b.type) ?? 2))
  return Buffer.concat([
    file.subarray(0, moov.start + 8),
    ...sorted.map(({ start, end }) => file.subarray(start, end)),
    file.subarray(moov.end),
  ])
}

/** Overwrites the sound's packets (ISO/IEC 13818-1, 2.4.3) behind their headers; ffmpeg numbers it 0x101. */
function withoutSound(file: Buffer): Buffer {
  const silent = Buffer.from(file)
  for (let at = 0; at < silent.length; at += 188) {
    if ((silent.readUInt16BE(at + 1) & 0x1fff) !== 0x101) continue
    const adapted = ((silent[at + 3] ?? 0) & 0x20) === 0 ? 4 : 5 + (silent[at + 4] ?? 0)
    const begins = ((silent[at + 1] ?? 0) & 0x40) !== 0
    silent.fill(0x55, at + adapted + (begins ? 9 + (silent[at + adapted + 8] ?? 0) : 0), at + 188)
  }
  return silent
}

function boxes(file: Buffer, from: number, to: number): { type: string; start: number; end: number }[] {
  if (from >= to) return []
  const end = from + file.readUInt32BE(from)
  return [{ type: file.toString('latin1', from + 4, from + 8), start: from, end }, ...boxes(file, end, to)]
}

/** Creates inputs in `dir` with `ffmpeg`, each once, with its dependencies. */
export class Inputs {
  readonly #dir: string
  readonly #ffmpeg: string

  constructor(dir: string, ffmpeg: string) {
    this.#dir = dir
    this.#ffmpeg = ffmpeg
  }

  async file(name: string): Promise<Buffer> {
    const path = join(this.#dir, name)
    if (!existsSync(path)) await this.#make(name, path)
    return readFile(path)
  }

  async #make(name: string, path: string): Promise<void> {
    const patched = PATCHED[name]
    if (patched !== undefined) return writeFile(path, patched[1](await this.file(patched[0])))
    const content = TEXTS[name] ?? RECIPES[name]
    if (content === undefined) throw new Error(`there is no recipe for ${name}`)
    const words = content.split(/\s/)
    for (const word of words) if (word in RECIPES || word in TEXTS) await this.file(word)
    if (name in TEXTS) return writeFile(path, content)
    await promisify(execFile)(this.#ffmpeg, ['-v', 'error', '-y', ...words, name], { cwd: this.#dir })
  }
}
