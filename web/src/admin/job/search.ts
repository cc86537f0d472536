/** The search in events. Pure. */
import type { JobEvent } from '../../../../client/index.ts'
import { kindOf } from '../../../../wire/log-types.ts'

export function isTrouble({ type }: JobEvent): boolean {
  return kindOf(type).trouble
}

/** Whether each word occurs in the event's number, type or details. */
export function matches(event: JobEvent, words: string): boolean {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
  if (wanted.length === 0) return true
  const text =
    `${event.seq} ${event.type} ${event.type.replaceAll('_', ' ')} ${JSON.stringify(event.data)}`.toLowerCase()
  return wanted.every((word) => text.includes(word))
}
