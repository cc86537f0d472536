import { createHash } from 'node:crypto'

/** What is renewed in a signed URL: its end and its signature. Both stay the same for a window of ten minutes. */
const RENEWED = /[?&](?:exp|sig)=[^"&]*/g

/**
 * The entity tag of a job's JSON text, in two parts: the state of the job, and the signed URLs that it was shown with.
 * The second makes an answer of 304 impossible once the links are to be renewed. Weak, since bodies that differ only in
 * their signatures are the same job (RFC 9110, 8.8.1).
 */
export function etagOf(text: string): string {
  const renewed: string[] = []
  const state = text.replace(RENEWED, (part) => {
    renewed.push(part)
    return ''
  })
  return `W/"${hashOf(state, 32)}.${hashOf(renewed.join(''), 8)}"`
}

/** Tags as they stand in a header, each reduced to the state of the job: equal for as long as the job is the same. */
export function stateTags(header: string): string {
  return header.replace(/\.[0-9a-f]{8}"/g, '"')
}

function hashOf(text: string, characters: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, characters)
}
