/**
 * Explicit colour conversions, since ffmpeg's defaults differ between versions. Every result is BT.709 of limited
 * range. Overlays are composed in RGB, where their colours need no conversion.
 */
import type { Picture } from './media.ts'
import type { Size } from './output.ts'

/** Without these swscale's error is up to eight of 255. */
export const EXACT = 'flags=bicubic+accurate_rnd+full_chroma_int'

const TAGS = 'setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709'

/** Sets the tags again, for encoders that do not take them from the frames. */
export const TAG_ARGS: readonly string[] = [
  ...['-color_range', 'tv', '-color_primaries', 'bt709'],
  ...['-color_trc', 'bt709', '-colorspace', 'bt709'],
]

/** ffprobe's names of matrices as those of swscale and zimg. */
const MATRICES: ReadonlyMap<string, readonly [swscale: string, zimg: string]> = new Map(
  Object.entries({
    bt709: ['bt709', '709'],
    fcc: ['fcc', 'fcc'],
    bt470bg: ['bt601', '470bg'],
    smpte170m: ['bt601', '170m'],
    smpte240m: ['smpte240m', 'smpte240m'],
    bt2020nc: ['bt2020', '2020_ncl'],
    bt2020c: ['bt2020', '2020_cl'],
    ictcp: ['bt2020', 'ictcp'],
  }),
)

const isHdr = ({ transfer }: Picture): boolean => transfer === 'smpte2084' || transfer === 'arib-std-b67'

/** Primaries beyond BT.709, by ffprobe's names, as those of zimg: BT.2020, and Display P3 of screens and phones. */
const WIDE_PRIMARIES: ReadonlyMap<string, string> = new Map([
  ['bt2020', '2020'],
  ['smpte432', 'smpte432'],
])

/** Whether the conversion needs zimg: the picture exceeds BT.709 in brightness or gamut. */
export const isWide = (picture: Picture): boolean => isHdr(picture) || WIDE_PRIMARIES.has(picture.primaries)

/**
 * Filters from the decoded picture to one of `size` with square pixels, in RGB or in the result's format. What is
 * transparent shows black.
 */
export function normalised(picture: Picture, size: Size, inRgb: boolean): string[] {
  if (!picture.alpha) return converted(picture, size, inRgb)
  return [...onBlack(picture), ...converted({ ...picture, matrix: 'gbr', range: 'pc' }, size, inRgb)]
}

/** Filters to RGB of full range, without transparency. */
function onBlack(picture: Picture): string[] {
  // Versions before 5 take RGB without a tag to be of limited range.
  return [`scale=${EXACT}${given(picture)}`, 'format=gbrap', 'setparams=range=pc', 'premultiply=inplace=1']
}

/** The options of `scale` for the colours of the picture. */
function given({ matrix, range }: Picture): string {
  if (matrix === 'gbr') return ''
  return `:in_color_matrix=${MATRICES.get(matrix)?.[0] ?? 'bt709'}:in_range=${range}`
}

function converted(picture: Picture, { width, height }: Size, inRgb: boolean): string[] {
  const side = `${width}:${height}`
  const wide = isWide(picture) ? narrowed(picture, side) : []
  const from = isWide(picture) ? ':in_color_matrix=bt709:in_range=tv' : given(picture)
  const scale = `scale=${side}:${EXACT}${from}:out_color_matrix=bt709:out_range=tv`
  const end = inRgb ? ['format=rgb24'] : ['format=yuv420p', TAGS]
  return [...wide, scale, ...end, 'setsar=1']
}

/** Filters from RGB to the result's format, which also scale to `size`. */
export function encodable({ width, height }: Size): string[] {
  return [`scale=${width}:${height}:${EXACT}:out_color_matrix=bt709:out_range=tv`, 'format=yuv420p', TAGS]
}

/**
 * Filters to BT.709 of limited range. HDR is tone-mapped: 203 cd/m² become white (ITU-R BT.2408, 2.1); up to half of
 * that is unchanged, up to five times of that is compressed into the rest.
 */
function narrowed(picture: Picture, side: string): string[] {
  const [swscale, zimg] = MATRICES.get(picture.matrix) ?? ['bt2020', '2020_ncl']
  const same = `in_color_matrix=${swscale}:out_color_matrix=${swscale}:in_range=${picture.range}:out_range=tv`
  const primaries = picture.primaries === 'bt709' ? '709' : (WIDE_PRIMARIES.get(picture.primaries) ?? '2020')
  const transfer = isHdr(picture) ? picture.transfer : '709'
  // Without `p` the primaries would become those of the frame, which may have no tag where the container has one.
  const from = `zscale=tin=${transfer}:min=${zimg}:pin=${primaries}:rin=limited:t=linear:npl=203:p=${primaries}`
  const mapped = isHdr(picture) ? ['tonemap=mobius:param=0.5:desat=0:peak=5'] : []
  return [
    `scale=${side}:${EXACT}:${same}`,
    'format=yuv444p10le',
    from,
    'format=gbrpf32le',
    'zscale=p=709',
    ...mapped,
    'zscale=t=709:m=709:r=limited',
    'format=yuv444p',
  ]
}
