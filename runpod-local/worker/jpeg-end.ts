const [START_OF_SCAN, END_OF_IMAGE] = [0xda, 0xd9]

/**
 * The length of the first picture in a JPEG file (ITU-T T.81, annex B). Cameras append further ones (previews, the
 * brightness of HDR) and short films, which ffmpeg would take as further frames. The whole length if it has no end.
 */
export function jpegEnd(file: Buffer): number {
  let at = 2
  while (at + 4 <= file.length) {
    const marker = file[at + 1]
    if (file[at] !== 0xff) return file.length
    if (marker === END_OF_IMAGE) return at + 2
    // Markers may be preceded by any number of 0xff.
    at += marker === 0xff ? 1 : 2 + file.readUInt16BE(at + 2)
    if (marker === START_OF_SCAN) at = markerFrom(file, at)
  }
  return file.length
}

/** The next marker in compressed data, where 0xff is followed by 0, and restart markers have no length. */
function markerFrom(file: Buffer, from: number): number {
  let at = file.indexOf(0xff, from)
  while (at >= 0 && at + 1 < file.length) {
    const code = file[at + 1] ?? 0
    if (code !== 0 && !(code >= 0xd0 && code <= 0xd7)) return at
    at = file.indexOf(0xff, at + 1)
  }
  return file.length
}
