/** The checksum of parts, compared with that of Node. */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { etagOfParts, md5Of } from '../../client/md5.ts'

const bytesOf = (size: number) => new Uint8Array(size).map((_, i) => (i * 131 + (i >> 7)) % 256)
const expected = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex')

test('a Blob of some megabytes', async () => {
  const bytes = bytesOf(3 * 1024 ** 2 + 1)
  expect(await md5Of(new Blob([bytes]))).toBe(expected(bytes))
})

test('the ETag of a file of two parts, from the documentation of R2', () => {
  const parts = ['bce6bf66aeb76c7040fdd5f4eccb78e6', '8165449fc15bbf43d3b674595cbcc406']
  expect(etagOfParts(parts)).toBe('f77dc0eecdebcd774a2a22cb393ad2ff-2')
})
