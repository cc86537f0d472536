import { createHash } from 'node:crypto'

/**
 * The entity tag of a job's JSON text. Weak, since two bodies that differ only in their signatures are the same job
 * (RFC 9110, 8.8.1).
 */
export function etagOf(text: string): string {
  const unsigned = text.replace(/[?&](?:exp|sig)=[^"&]*/g, '')
  return `W/"${createHash('sha256').update(unsigned).digest('hex').slice(0, 32)}"`
}
