/** The repository's web address, from `repository` in package.json. */

export interface Repository {
  host: 'github' | 'gitlab'
  /** `owner/name`. */
  path: string
  url: string
}

const FORM = /^(?:git\+)?(?:https:\/\/)?(github|gitlab)(?:\.com\/|:)([\w.-]+\/[\w.-]+?)(?:\.git)?\/?$/

/**
 * Null when it is unset, or at an unknown host.
 *
 * @param said a URL, `github:owner/name`, or an object with a `url`
 */
export function repositoryOf(said: unknown): Repository | null {
  const text = typeof said === 'string' ? said : (said as { url?: unknown } | undefined)?.url
  const [, host, path] = FORM.exec(typeof text === 'string' ? text : '') ?? []
  if ((host !== 'github' && host !== 'gitlab') || !path) return null
  return { host, path, url: `https://${host}.com/${path}` }
}
