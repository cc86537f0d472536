/**
 * MD5 (RFC 1321), which storage uses as the checksum of a part, and which Web Crypto does not offer. It distinguishes
 * the files of one user; it is not used for security.
 */
import { md5 } from '@noble/hashes/legacy.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'

/** MD5 of a Blob in hex; the Blob is read piece by piece. */
export async function md5Of(blob: Blob): Promise<string> {
  const sum = md5.create()
  const reader = blob.stream().getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) sum.update(next.value)
  return bytesToHex(sum.digest())
}

/** The ETag that storage gives a multipart file: the MD5 of the parts' MD5s, and their count. */
export function etagOfParts(sums: readonly string[]): string {
  const whole = md5.create()
  for (const sum of sums) whole.update(hexToBytes(sum))
  return `${bytesToHex(whole.digest())}-${sums.length}`
}
