/** Where a page of the list ends: opaque to clients, and bound to the filters that it was made under. */
import { invalid } from './problem.ts'

export interface Position {
  /** Milliseconds. */
  createdAt: number
  id: string
}

export function writeCursor({ createdAt, id }: Position, filters: string): string {
  return base64url(JSON.stringify([createdAt, id, filters]))
}

/** @throws Problem 400 when it is not one of ours, or belongs to other filters */
export function readCursor(cursor: string, filters: string): Position {
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

function refused(detail: string) {
  return invalid([{ pointer: '/query/cursor', detail }])
}

function unpack(cursor: string): unknown {
  try {
    const binary = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'))
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (c) => c.charCodeAt(0))))
  } catch {
    return null
  }
}

function base64url(text: string): string {
  const binary = String.fromCharCode(...new TextEncoder().encode(text))
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
