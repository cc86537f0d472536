/** What can be done about a player that failed: most often its signed address has expired. Pure. */

/** What is known of a failure, and of the address that it came with. */
export interface Failure {
  /** What the address answers to HEAD now; null for no answer. */
  status: number | null
  /** It gave a picture at the position that was wanted. */
  worked: boolean
  /** It was asked for because the one before it had failed. */
  renewed: boolean
  /** `code` of the player's MediaError. */
  code: number
}

/** `renew`: ask for a new address, and go on at the same position. All others are the end, each with its own words. */
export type Remedy = 'renew' | 'gone' | 'refused' | 'unreachable' | 'unplayable'

/** MediaError.MEDIA_ERR_DECODE: bytes came, and are no video. */
const DECODE = 3

/**
 * An address is renewed as often as it fails after it worked, so without end over hours; one that fails before it gave a
 * picture, and is itself a renewal, is the end, so that nothing loops.
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

/** An address without its signature: the same for as long as the file is. */
export function fileOf(url: string): string {
  return url.replace(/[?#].*$/s, '')
}

export const WORDS: Record<Exclude<Remedy, 'renew'>, string> = {
  gone: 'The file is not there any more.',
  refused: 'The service does not give out this file.',
  unreachable: 'The service could not be reached, so the file cannot be shown.',
  unplayable: 'This browser cannot play the file.',
}

/** What an address answers to HEAD; null for no answer. */
export function statusOf(url: string): Promise<number | null> {
  return fetch(url, { method: 'HEAD', cache: 'no-store' }).then(
    ({ status }) => status,
    () => null,
  )
}
