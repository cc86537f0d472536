/** Cursors of the list: opaque to clients, and valid only with the filters they were made for. */
import { base64url, textOfBase64url } from '../../actors/shared/base64url.ts'
import { invalid } from '../http/problem.ts'

export interface Position {
  /** Milliseconds. */
  createdAt: number
  id: string
}

export function writeCursor({ createdAt, id }: Position, filters: string): string {
  return base64url(JSON.stringify([createdAt, id, filters]))
}

/**
 * @param pointer JSON Pointer of the cursor in the request
 * @throws Problem 400 when it was not made by this service, or was made for other filters
 */
export function readCursor(cursor: string, filters: string, pointer = '/query/cursor'): Position {
  const refused = (detail: string) => invalid([{ pointer, detail }])
  const parts = unpack(cursor)
  if (!Array.isArray(parts)) throw refused('This is not a cursor that the list gave out.')
  const [createdAt, id, made]: unknown[] = parts
  if (!Number.isSafeInteger(createdAt) || typeof createdAt !== 'number' || typeof id !== 'string') {
    throw refused('This is not a cursor that the list gave out.')
  }
  if (made !== filters) {
    throw refused('This cursor belongs to other filters; keep the filters the same from page to page.')
  }
  return { createdAt, id }
}

function unpack(cursor: string): unknown {
  try {
    return JSON.parse(textOfBase64url(cursor))
  } catch {
    return null
  }
}
