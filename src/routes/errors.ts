/** GET /errors/:code: what a problem code means. The type URI of every problem leads here. */
import type { Exchange } from '../http.ts'
import { Problem } from '../problem.ts'
import { isProblemCode, PROBLEMS, titleOf } from '../problems/index.ts'

const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'public, max-age=3600',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
  'X-Content-Type-Options': 'nosniff',
}

/** A page for people. @throws Problem 404 for a code that there is not */
export async function explainProblem(_exchange: Exchange, params: { code?: string }): Promise<Response> {
  const code = params.code ?? ''
  if (!isProblemCode(code)) throw new Problem(404, 'route_not_found', 'There is no such problem code.')
  const { statuses, cause, remedy } = PROBLEMS[code]
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${code}</title>
<h1>${titleOf(code)}</h1>
<p><code>${code}</code>, status ${statuses.join(' or ')}</p>
<p>${marked(cause)}</p>
<h2>What to do</h2>
<p>${marked(remedy)}</p>
</html>
`
  return new Response(page, { headers: HEADERS })
}

/** Text with `code` as HTML. */
function marked(text: string): string {
  const safe = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return safe.replace(/`([^`]*)`/g, '<code>$1</code>')
}
