import { uuidv7 } from 'uuidv7'
import { toHex } from './hex.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Only these name an actor: anything else is answered 404 without waking one. In lower case, as they are made. */
export function isJobId(text: string): boolean {
  return UUID.test(text)
}

/** A fresh id; sorts by time (RFC 9562, version 7). */
export function newId(): string {
  return uuidv7()
}

/** The id of the one job that this project makes under this idempotency key (RFC 9562, version 8). */
export async function idForKey(projectId: number, key: string): Promise<string> {
  const hash = new Uint8Array(await sha256(`${projectId}\n${key}`)).slice(0, 16)
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x80
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  const hex = toHex(hash)
  return [0, 8, 12, 16, 20].map((from, i) => hex.slice(from, [8, 12, 16, 20, 32][i])).join('-')
}

export async function sha256Hex(text: string): Promise<string> {
  return toHex(new Uint8Array(await sha256(text)))
}

function sha256(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
}
