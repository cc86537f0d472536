/** Serializes JSON for the service. */
import type { JsonObject } from '../job.ts'

/** Replaces unpaired surrogates, which would make the whole text invalid for strict parsers. */
export function jsonOf(value: JsonObject): string {
  return JSON.stringify(value, (_, part) => (typeof part === 'string' ? part.toWellFormed() : part))
}
