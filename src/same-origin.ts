/**
 * A page of another site must not act in an operator's name. A bearer token shows that the caller means it: no browser
 * adds one by itself. Without one, in development, the request must come from a page of this very origin, or from no
 * page at all (Fetch Metadata and Origin, as browsers send them with every POST).
 */
import { bearerToken } from './http.ts'
import { Problem } from './problem.ts'

/** @throws Problem 403 for a request that another site may have caused */
export function requireIntent(request: Request, url: URL): void {
  if (bearerToken(request) !== null) return
  const origin = request.headers.get('Origin')
  const site = request.headers.get('Sec-Fetch-Site')
  const own = origin === null || origin === url.origin
  if (own && (site === null || site === 'same-origin' || site === 'none')) return
  throw new Problem(403, 'cross_origin', 'Actions need a bearer token, or a page of this very origin.')
}
