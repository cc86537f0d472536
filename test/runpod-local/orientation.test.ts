import { expect, it } from 'vitest'
import { turnOfImage } from '../../runpod-local/worker/orientation.ts'

const turns = ['none', 'hflip', 'half', 'vflip', 'cclock_flip', 'clock', 'clock_flip', 'cclock']

/** A TIFF directory with only the orientation (TIFF 6.0, section 2). */
function tiff(order: 'II' | 'MM', value: number): Buffer {
  const bytes = Buffer.alloc(22)
  const short = (number: number, at: number) =>
    order === 'II' ? bytes.writeUInt16LE(number, at) : bytes.writeUInt16BE(number, at)
  bytes.write(order)
  short(42, 2)
  if (order === 'II') bytes.writeUInt32LE(8, 4)
  else bytes.writeUInt32BE(8, 4)
  short(1, 8)
  short(0x0112, 10)
  short(value, 18)
  return bytes
}

const number = (value: number, length: number) => {
  const bytes = Buffer.alloc(length)
  bytes.writeUIntBE(value, 0, length)
  return bytes
}
const jpeg = (exif: Buffer) =>
  Buffer.concat([
    Buffer.from('\xff\xd8\xff\xe0\0\x04JF\xff\xe1', 'latin1'),
    ...[number(exif.length + 8, 2), Buffer.from('Exif\0\0'), exif],
  ])
/** Behind a picture of one byte. */
const png = (exif: Buffer) =>
  Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\x01IDAT\0....', 'latin1'),
    ...[number(exif.length, 4), Buffer.from('eXIf'), exif],
  ])

it.each(turns.map((turn, index) => [index + 1, turn]))(
  'reads orientation %i of an image as %s',
  (value, turn) => {
    for (const order of ['II', 'MM'] as const) {
      const exif = tiff(order, Number(value))
      expect([turnOfImage(jpeg(exif)), turnOfImage(png(exif))]).toEqual([turn, turn])
    }
  },
)

it.each([
  ['a JPEG without Exif', '\xff\xd8\xff\xda\0\x04..'],
  ['a PNG without eXIf', '\x89PNG\r\n\x1a\n\0\0\0\x01IDAT\0....\0\0\0\0IEND....'],
  ['Exif that ends early', '\xff\xd8\xff\xe1\0\x0aExif\0\0II'],
])('takes %s as it is', (_name, head) => {
  expect(turnOfImage(Buffer.from(head, 'latin1'))).toBe('none')
})
