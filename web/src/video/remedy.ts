/** Decides how to recover a failed player: most often its signed URL has expired. Pure. */

/** A failure, and the state of its URL. */
export interface Failure {
  /** The current status of the URL for HEAD; null without an answer. */
  status: number | null
  /** Whether it showed a picture at the requested position. */
  worked: boolean
  /** Whether it was requested because the previous URL had failed. */
  renewed: boolean
  /** `code` of the player's MediaError. */
  code: number
}

/** `renew`: request a new URL, and continue at the same position. All others are final, each with its own text. */
export type Remedy = 'renew' | 'gone' | 'refused' | 'unreachable' | 'unplayable'

/** MediaError.MEDIA_ERR_DECODE: bytes were received, but they are no video. */
const DECODE = 3

/**
 * A URL is renewed whenever it fails after it worked, without a limit over hours. A renewed URL that fails before it
 * showed a picture is final, so that there is no loop.
 */
export function remedyFor({ status, worked, renewed, code }: Failure): Remedy {
  if (status === 404 || status === 410) return 'gone'
  const given = status !== null && status < 400
  if (renewed && !worked) {
    if (given) return 'unplayable'
    return status === 401 || status === 403 ? 'refused' : 'unreachable'
  }
  return given && code === DECODE ? 'unplayable' : 'renew'
}

/** The URL without its signature, which identifies the file. */
export function fileOf(url: string): string {
  return url.replace(/[?#].*$/s, '')
}

export const WORDS: Record<Exclude<Remedy, 'renew'>, string> = {
  gone: 'The file is not there any more.',
  refused: 'The service does not give out this file.',
  unreachable: 'The service could not be reached, so the file cannot be shown.',
  unplayable: 'This browser cannot play the file.',
}

/** The status of a URL for HEAD; null without an answer. */
export function statusOf(url: string): Promise<number | null> {
  return fetch(url, { method: 'HEAD', cache: 'no-store' }).then(
    ({ status }) => status,
    () => null,
  )
}
