/**
 * The rules of one multipart upload, without clock and without I/O: which part is accepted, whether the parts make a
 * complete file, and when the alarm fires.
 *
 *     open ──completed──► complete ──a day──► gone
 *       └──abort, a day without a part, or past `endsAt`──► aborting ──R2 confirmed──► gone
 *
 * R2's rules: a part has 5 MiB to 5 GiB except the last, which may be smaller; all but the last are equally large; at
 * most 10,000 parts (developers.cloudflare.com/r2/objects/multipart-objects).
 */

const MEBIBYTE = 1024 ** 2
const HOUR_MS = 60 * 60_000

export const LEAST_PART_BYTES = 5 * MEBIBYTE
/** Our limit: a part passes through the Worker, whose request body is limited by the zone. */
export const MAX_PART_BYTES = 64 * MEBIBYTE
export const MAX_PARTS = 10_000
/** Smaller parts lose less on a bad connection; larger ones need fewer requests. */
const USUAL_PART_BYTES = 8 * MEBIBYTE
const USUAL_PARTS = 1_000

/** An upload without activity for this long is abandoned. R2 itself aborts unfinished uploads after 7 days. */
export const ABANDONED_MS = 24 * HOUR_MS
/** Activity is stored at most this often. */
export const ACTIVITY_MS = HOUR_MS
/** How long a complete upload is kept to report its completion. */
const REMEMBERED_MS = 24 * HOUR_MS
const FIRST_RETRY_MS = 60_000
const MAX_RETRY_MS = 6 * HOUR_MS
/** After this many failures the abort is left to R2's own lifecycle rule. */
export const MAX_ABORT_TRIES = 20

/** The parameters fixed when the upload was opened. */
export interface UploadRequest {
  key: string
  /** R2's own id of the upload. */
  uploadId: string
  projectId: number | null
  /** The job it is for, if known. */
  jobId: string | null
  contentType: string
  /** Announced; null when it is known only at the end. */
  sizeBytes: number | null
  /** Size of every part but the last, by the upload's plan. Absent in uploads older than this field. */
  partBytes?: number
  /** The maximum total size. */
  mostBytes: number
  /**
   * When the token for an output expires with its attempt, after which no part can be added. Absent if other tokens are
   * valid.
   */
  endsAt?: number
}

export type Phase =
  | { status: 'open'; activeAt: number }
  | { status: 'complete'; at: number; size: number; etag: string }
  | { status: 'aborting'; tries: number; nextAt: number }

export interface UploadState {
  request: UploadRequest
  createdAt: number
  phase: Phase
}

export interface Part {
  number: number
  etag: string
  size: number
  /** MD5 of its bytes in hex, by which a resumed upload identifies it; null if not computed. */
  md5: string | null
}

export interface Refused {
  ok: false
  code: RefusalCode
  detail: string
}

export type RefusalCode =
  | 'upload_not_found'
  | 'upload_complete'
  | 'upload_ending'
  | 'upload_too_large'
  | 'part_missing'
  | 'part_too_small'
  | 'parts_unequal'
  | 'size_mismatch'

export function refused(code: RefusalCode, detail: string): Refused {
  return { ok: false, code, detail }
}

export const NOT_FOUND: Refused = refused(
  'upload_not_found',
  'There is no such upload: it was aborted, abandoned for a day, or never begun. Begin a new one.',
)

/** Whole mebibytes, so that every part but the last is equally large. @param size of the whole file, in bytes */
export function partSizeFor(size: number, mostPartBytes: number = MAX_PART_BYTES): number {
  const wanted = Math.max(USUAL_PART_BYTES, Math.ceil(size / USUAL_PARTS / MEBIBYTE) * MEBIBYTE)
  const most = Math.max(LEAST_PART_BYTES, Math.min(MAX_PART_BYTES, mostPartBytes))
  const least = Math.max(LEAST_PART_BYTES, Math.ceil(size / MAX_PARTS))
  return Math.max(Math.min(wanted, most), least)
}

/**
 * The planned size of part `number`, in bytes: for a store that accepts parts without admission, only this size may be
 * signed. 0 for a number beyond the plan; null when the upload has no announced size, and so no plan.
 */
export function plannedBytes({ sizeBytes, partBytes }: UploadRequest, number: number): number | null {
  if (sizeBytes === null || partBytes === undefined) return null
  return Math.max(0, Math.min(partBytes, sizeBytes - (number - 1) * partBytes))
}

/**
 * Whether a part of `size` bytes is accepted. `others` is the total of the other parts, stored or in transit, as far as
 * known: an idle actor leaves memory and forgets those in transit. So the parts before this one count at least as much
 * as they must have, since none of them may be smaller.
 */
export function admit(
  state: UploadState,
  number: number,
  size: number,
  others: number,
): { ok: true } | Refused {
  const { request, phase } = state
  if (phase.status === 'aborting') return NOT_FOUND
  if (phase.status === 'complete') return refused('upload_complete', 'This upload is complete already.')
  const most = request.sizeBytes ?? request.mostBytes
  const before = (number - 1) * Math.max(LEAST_PART_BYTES, size)
  if (Math.max(others, before) + size <= most) return { ok: true }
  const why = request.sizeBytes === null ? 'are allowed' : 'were announced'
  return refused('upload_too_large', `${most} bytes ${why} for this upload, and this part would exceed them.`)
}

/**
 * A file that is created again, for example by a worker that RunPod started twice, may have another size: it replaces
 * the announced one. Null when nothing changes.
 *
 * @param sizeBytes null when this call does not announce it
 */
export function announcedAnew(
  { request, phase }: UploadState,
  sizeBytes: number | null,
  partBytes: number,
): UploadRequest | null {
  if (phase.status !== 'open' || sizeBytes === null || sizeBytes === request.sizeBytes) return null
  return { ...request, sizeBytes, partBytes }
}

/** Whether the listed parts make a complete file. Checked before R2 is called, so that the error is a sentence. */
export function checkParts(
  { sizeBytes, mostBytes }: UploadRequest,
  stored: readonly Part[],
  claimed: readonly { number: number; etag: string }[],
): { ok: true; parts: Part[]; size: number } | Refused {
  const known = new Map(stored.map((part) => [part.number, part]))
  const parts: Part[] = []
  for (const [index, { number, etag }] of [...claimed].sort((a, b) => a.number - b.number).entries()) {
    const part = known.get(number)
    if (number !== index + 1) return missing(index + 1)
    if (!part) return missing(number)
    if (part.etag !== etag) {
      return refused('part_missing', `Part ${number} has another ETag than the one named; send it again.`)
    }
    parts.push(part)
  }
  const last = parts.at(-1)
  const [first] = parts
  if (!first || !last) return refused('part_missing', 'Name at least one part.')
  const before = parts.slice(0, -1)
  const small = before.find((part) => part.size < LEAST_PART_BYTES)
  if (small) {
    const detail = `Part ${small.number} has ${small.size} bytes; every part but the last needs ${LEAST_PART_BYTES}.`
    return refused('part_too_small', detail)
  }
  const other = before.find((part) => part.size !== first.size)
  if (other || last.size > first.size) {
    const { number, size } = other ?? last
    const detail = `Part 1 has ${first.size} bytes and part ${number} has ${size}: all but the last must be equal.`
    return refused('parts_unequal', detail)
  }
  const size = parts.reduce((sum, part) => sum + part.size, 0)
  if (sizeBytes !== null && size !== sizeBytes) {
    return refused('size_mismatch', `${sizeBytes} bytes were announced, and the parts have ${size}.`)
  }
  if (size > mostBytes) return refused('upload_too_large', `An upload may be at most ${mostBytes} bytes.`)
  return { ok: true, parts, size }
}

function missing(number: number): Refused {
  return refused('part_missing', `Part ${number} is missing: parts are numbered from 1 without gaps.`)
}

/** When the alarm fires: the one clock of each phase. */
export function wakeAt({ request, phase }: UploadState): number {
  switch (phase.status) {
    case 'open':
      return Math.min(phase.activeAt + ABANDONED_MS, request.endsAt ?? Number.POSITIVE_INFINITY)
    case 'aborting':
      return phase.nextAt
    case 'complete':
      return phase.at + REMEMBERED_MS
  }
}

/** The phase after a failed abort, with the next try in 1, 2, 4 … min, at most 6 h. */
export function abortFailed(tries: number, now: number): Phase {
  const pause = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** tries)
  return { status: 'aborting', tries: tries + 1, nextAt: now + pause }
}
