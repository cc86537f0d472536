import { createHash } from 'node:crypto'

/**
 * The parts of a signed URL that are renewed: its expiry and its signature. Both are constant for a window of ten
 * minutes.
 */
const RENEWED = /[?&](?:exp|sig)=[^"&]*/g

/**
 * The entity tag of a job's JSON text, in two parts: the state of the job, and the signed URLs in the text. The second
 * part prevents a 304 once the links must be renewed. Weak, since texts that differ only in their signatures represent
 * the same job (RFC 9110, 8.8.1).
 */
export function etagOf(text: string): string {
  const renewed: string[] = []
  const state = text.replace(RENEWED, (part) => {
    renewed.push(part)
    return ''
  })
  return `W/"${hashOf(state, 32)}.${hashOf(renewed.join(''), 8)}"`
}

/**
 * Whether If-Match names the job state in `etag`. Weak tags and renewed signatures match as well: a command concerns
 * the job and not its bytes.
 */
export function matchesState(header: string, etag: string): boolean {
  return tagIsListed(stateTags(header), stateTags(etag))
}

/** Reduces each tag to its first part, which is equal as long as the job is unchanged. */
function stateTags(header: string): string {
  return header.replace(/\.[0-9a-f]{8}"/g, '"')
}

/** Whether the header lists `etag`, by weak comparison (RFC 9110, 8.8.3.2). `*` matches every tag. */
export function tagIsListed(header: string, etag: string): boolean {
  return header.trim() === '*' || entityTags(header).some((tag) => opaque(tag) === opaque(etag))
}

/** A tag may contain commas, so the list cannot simply be split. */
export function entityTags(header: string): string[] {
  return header.match(/(?:W\/)?"[^"]*"/g) ?? []
}

function opaque(tag: string): string {
  return tag.replace(/^W\//, '')
}

function hashOf(text: string, characters: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, characters)
}
