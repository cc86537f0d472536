/** GET /errors/:code: explains the code of a problem or of a failed job. The type URI of every problem points here. */
import { failureWords } from '../../wire/failures.ts'
import type { Exchange } from '../http/exchange.ts'
import { Problem } from '../http/problem.ts'
import { isProblemCode, PROBLEMS, titleOf } from '../problems/index.ts'

const HEADERS = {
  'Content-Type': 'text/html; charset=utf-8',
  'Cache-Control': 'public, max-age=3600',
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  'X-Content-Type-Options': 'nosniff',
}

/** An HTML page. @throws Problem 404 for an unknown code */
export async function explainProblem(_exchange: Exchange, params: { code?: string }): Promise<Response> {
  const code = params.code ?? ''
  const failure = failureWords(code)
  const parts: string[] = []
  if (failure) {
    const { title, cause, remedy } = failure
    parts.push(part(title, `<code>${code}</code>, why an export failed`, cause, remedy))
  }
  // Some codes belong to both a problem and a failure.
  if (isProblemCode(code)) {
    const { statuses, cause, remedy } = PROBLEMS[code]
    parts.push(part(titleOf(code), `<code>${code}</code>, status ${statuses.join(' or ')}`, cause, remedy))
  }
  if (parts.length === 0) throw new Problem(404, 'route_not_found', 'There is no such code.')
  const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${code} · Exportal</title>
<style>body{max-width:40rem;margin:3rem auto;padding:0 1.25rem;font:1rem/1.55 system-ui,sans-serif;background:Canvas;color:CanvasText}</style>
<nav><a href="/docs">Documentation</a> · <a href="/docs/errors">All codes</a> · <a href="/">Studio</a></nav>
<main>
${parts.join('<hr>\n')}</main>
</html>
`
  return new Response(page, { headers: HEADERS })
}

function part(title: string, what: string, cause: string, remedy: string): string {
  return `<h1>${title}</h1>
<p>${what}</p>
<p>${marked(cause)}</p>
<h2>What to do</h2>
<p>${marked(remedy)}</p>
`
}

/** Converts text with `code` to HTML. */
function marked(text: string): string {
  const safe = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return safe.replace(/`([^`]*)`/g, '<code>$1</code>')
}
