/**
 * Media types by file name. Browsers have none for many video files, or a wrong one: they treat `.ts` as a program,
 * `.mts` as a 3D model. The service accepts `video/*`, PNG and JPEG.
 */

/** By extension, in lower case. Where no `video/` type is registered, the one in common use. */
const VIDEO_TYPES = {
  '3g2': 'video/3gpp2',
  '3gp': 'video/3gpp',
  '3gpp': 'video/3gpp',
  asf: 'video/x-ms-asf',
  av1: 'video/av1',
  avi: 'video/x-msvideo',
  divx: 'video/x-msvideo',
  dv: 'video/x-dv',
  f4v: 'video/mp4',
  flv: 'video/x-flv',
  h264: 'video/h264',
  h265: 'video/h265',
  hevc: 'video/h265',
  m1v: 'video/mpeg',
  m2t: 'video/mp2t',
  m2ts: 'video/mp2t',
  m2v: 'video/mpeg',
  m4v: 'video/x-m4v',
  mkv: 'video/x-matroska',
  mod: 'video/mpeg',
  mov: 'video/quicktime',
  mp4: 'video/mp4',
  mpe: 'video/mpeg',
  mpeg: 'video/mpeg',
  mpg: 'video/mpeg',
  mpg4: 'video/mp4',
  mts: 'video/mp2t',
  mxf: 'video/mxf',
  nut: 'video/x-nut',
  ogm: 'video/ogg',
  ogv: 'video/ogg',
  ogx: 'video/ogg',
  qt: 'video/quicktime',
  rm: 'video/vnd.rn-realvideo',
  rmvb: 'video/vnd.rn-realvideo',
  tod: 'video/mpeg',
  trp: 'video/mp2t',
  ts: 'video/mp2t',
  vob: 'video/mpeg',
  vro: 'video/mpeg',
  webm: 'video/webm',
  wmv: 'video/x-ms-wmv',
  wtv: 'video/x-wtv',
  xvid: 'video/x-msvideo',
  y4m: 'video/x-yuv4mpeg',
} as const

const IMAGE_TYPES = { jpeg: 'image/jpeg', jpg: 'image/jpeg', png: 'image/png' } as const

const BY_EXTENSION: ReadonlyMap<string, string> = new Map(Object.entries({ ...VIDEO_TYPES, ...IMAGE_TYPES }))

/** Extensions of video files with their dots: the file chooser accepts these besides `video/*`. */
export const VIDEO_EXTENSIONS: readonly string[] = Object.keys(VIDEO_TYPES).map(
  (extension) => `.${extension}`,
)

const TAKEN = /^(?:video\/[a-z0-9][a-z0-9.-]*|image\/(?:png|jpeg))$/

/**
 * The type under which a file is uploaded: its own if the service accepts it, else the type of its extension, else its
 * own, which the service then refuses with an explanation.
 */
export function mediaTypeOf({ name = '', type = '' }: { name?: string; type?: string }): string {
  const own = type.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (TAKEN.test(own)) return own
  const extension = /\.([^./\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? ''
  return BY_EXTENSION.get(extension) ?? (own || 'application/octet-stream')
}
