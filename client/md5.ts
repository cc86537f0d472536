/**
 * MD5 (RFC 1321), by which storage knows the bytes of a part, and which Web Crypto does not offer. It tells one file of a
 * user from another one; it keeps no secret and withstands no forger.
 */
import { md5 } from '@noble/hashes/legacy.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'

/** Of all the bytes of a Blob, read piece by piece, in hex. */
export async function md5Of(blob: Blob): Promise<string> {
  const sum = md5.create()
  const reader = blob.stream().getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) sum.update(next.value)
  return bytesToHex(sum.digest())
}

/** As storage makes the ETag of a file of parts: the MD5 of their MD5s, and their count. */
export function etagOfParts(sums: readonly string[]): string {
  const whole = md5.create()
  for (const sum of sums) whole.update(hexToBytes(sum))
  return `${bytesToHex(whole.digest())}-${sums.length}`
}
