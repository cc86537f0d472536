/** Ids of jobs, and the canonical JSON that requests are hashed by. */
import { uuidv7 } from 'uuidv7'
import * as v from 'valibot'
import type { Json } from '../../wire/json.ts'
import { toHex } from '../files/hex.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/**
 * Whether the text is an id made by this service, in lower case. Other ids are answered 404 without waking an actor.
 */
export function isJobId(text: string): boolean {
  return UUID.test(text)
}

/** Converted to lower case, since UUIDs may be written in either case (RFC 9562, 4). */
export const JobId = v.pipe(v.string(), v.toLowerCase(), v.check(isJobId, 'This is not the id of a job.'))

/** Path parameters of a route of one job. */
export const ById = v.object({ id: JobId })

/** A new id; ids sort by time (RFC 9562, version 7). */
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

/** Identical text for equal JSON, independent of the order of names in objects. */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const pairs = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`)
  return `{${pairs.join(',')}}`
}
