/**
 * Checksums that a client sends with bytes, for storage or this service to verify (RFC 1864, and S3's header names).
 */
import { Problem } from '../http/problem.ts'

const CHECKSUMS = [
  { header: 'Content-MD5', name: 'md5', form: /^[A-Za-z0-9+/]{22}==$/, says: 'base64 of 16 bytes' },
  {
    header: 'x-amz-checksum-sha256',
    name: 'sha256',
    form: /^[A-Za-z0-9+/]{43}=$/,
    says: 'base64 of 32 bytes',
  },
] as const

export type ChecksumName = (typeof CHECKSUMS)[number]['name']

interface Checksum {
  name: ChecksumName
  bytes: Uint8Array
}

/** The checksum in the headers; null when there is none. @throws Problem 400 for a malformed one, and for two */
export function announcedChecksum(headers: Headers): Checksum | null {
  const given = CHECKSUMS.flatMap(({ header, name, form, says }): Checksum[] => {
    const value = headers.get(header)
    if (value === null) return []
    if (!form.test(value)) throw wrong(header, `This must be ${says}.`)
    return [{ name, bytes: Uint8Array.from(atob(value), (c) => c.charCodeAt(0)) }]
  })
  if (given.length > 1) throw wrong('Content-MD5', 'Send this or x-amz-checksum-sha256, not both.')
  return given[0] ?? null
}

function wrong(header: string, detail: string): Problem {
  const errors = [{ pointer: `/header/${header}`, detail }]
  return new Problem(400, 'invalid_checksum', `${header}: ${detail}`, { errors })
}

/** The 422 for bytes that do not match their checksum. */
export function checksumMismatch(what: 'file' | 'part'): Problem {
  return new Problem(422, 'checksum_mismatch', `The ${what} does not match its checksum; send it again.`)
}
