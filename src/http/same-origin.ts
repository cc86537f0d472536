/**
 * Protects operators against requests forged by other sites. A bearer token proves intent, since no browser adds one by
 * itself. Without one, in development, the request must come from a page of this origin, or from no page at all
 * (browsers send Fetch Metadata and Origin with every POST).
 */
import { bearerToken } from './exchange.ts'
import { Problem } from './problem.ts'

/** @throws Problem 403 for a request that another site may have caused */
export function requireIntent(request: Request, url: URL): void {
  if (bearerToken(request) === null) requireSameOrigin(request, url)
}

/** The same check for every request, for credentials that a browser adds by itself. @throws Problem 403 */
export function requireSameOrigin(request: Request, url: URL): void {
  const origin = request.headers.get('Origin')
  const site = request.headers.get('Sec-Fetch-Site')
  const own = origin === null || origin === url.origin
  if (own && (site === null || site === 'same-origin' || site === 'none')) return
  throw new Problem(403, 'cross_origin', 'This needs a bearer token, or a page of this very origin.')
}
