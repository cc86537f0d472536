/**
 * Addresses of the pages. One HTML file serves them all and reads its own address; static assets answer for the files
 * of the build before this Worker is asked, and it is asked for everything else (`not_found_handling = "none"`).
 */
import type { Exchange } from '../http.ts'

/** As `pageAt` of the pages has them; `test/http/pages.test.ts` compares the two. `/` is a file of its own. */
export const PAGES: readonly string[] = ['/jobs/:id', '/admin', '/admin/jobs/:id']

/** Below these nothing is read by people: who follows a link to an API or to a script wants no page in its place. */
const NO_PAGES = /^\/(?:api|assets)(?:\/|$)/

/** The page at an address that has one. Null where the id is no text, and where the deployment has no pages. */
export async function servePage({ request, env, url }: Exchange): Promise<Response | null> {
  if (!isEncoded(url.pathname)) return null
  // With the conditions of the request, so that a page that is known already is 304.
  const file = await env.ASSETS.fetch(new Request(new URL('/', url), request))
  return file.ok || file.status === 304 ? new Response(file.body, file) : null
}

/**
 * The same page for an address with nothing behind it, of which it then says so, with status 404. Null for who does not
 * ask for HTML by name, as only a visit does: scripts, styles and calls of an API take anything, and get a problem.
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
