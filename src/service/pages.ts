/**
 * Serves the pages. One HTML file contains them all and routes by its own address. The static assets of the build are
 * served before this Worker is called, which handles all other requests (`not_found_handling = "none"`).
 */
import type { Exchange } from '../http/exchange.ts'

/** The same as `pageAt` of the pages; `test/http/edge/pages.test.ts` compares the two. `/` is a file of its own. */
export const PAGES: readonly string[] = ['/jobs/:id', '/admin', '/admin/lanes', '/admin/jobs/:id']

/** Paths below which no page is served: links to an API or a script must not return HTML. */
const NO_PAGES = /^\/(?:api|assets)(?:\/|$)/

/** The page at its address. Null when the id is malformed, and in a deployment without pages. */
export async function servePage({ request, env, url }: Exchange): Promise<Response | null> {
  if (!isEncoded(url.pathname)) return null
  // With the request's conditions, so that an unchanged page is a 304.
  const file = await env.ASSETS.fetch(new Request(new URL('/', url), request))
  return file.ok || file.status === 304 ? new Response(file.body, file) : null
}

/**
 * The same page with status 404 for an unknown address, which it then reports. Null unless HTML is accepted by name, as
 * only navigation does: requests of scripts, styles and APIs accept anything, and get a problem.
 */
export async function serveNothingHere({ request, env, url }: Exchange): Promise<Response | null> {
  const { method, headers } = request
  const visit = /\btext\/html\b/i.test(headers.get('Accept') ?? '')
  if (!visit || (method !== 'GET' && method !== 'HEAD') || NO_PAGES.test(url.pathname)) return null
  const file = await env.ASSETS.fetch(new Request(new URL('/', url), { method }))
  if (!file.ok) return null
  const page = new Response(file.body, { status: 404, headers: file.headers })
  page.headers.delete('ETag')
  page.headers.set('Cache-Control', 'no-store')
  return page
}

function isEncoded(path: string): boolean {
  try {
    return decodeURIComponent(path) !== ''
  } catch {
    return false
  }
}
