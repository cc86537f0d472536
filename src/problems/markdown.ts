/** Generates docs/errors.md from the catalogue. */
import { FAILURES } from '../../wire/failures.ts'
import { PROBLEM_GROUPS, titleOf } from './index.ts'

const HEAD = `# Errors

Every refusal is \`application/problem+json\` (RFC 9457): \`type\`, \`title\`, \`status\`, \`detail\`, \`code\`, \`request_id\`, and
for wrong fields \`errors\`, each a JSON Pointer (RFC 6901) into the body, or into \`/query\`, \`/header\` or \`/path\`, with a
sentence. Branch on \`code\`: it is stable, the sentences are not. \`type\` is the address of this explanation at the
deployment itself. Quote \`request_id\`, which is also the header \`X-Request-Id\`, when you ask its operator.

A WebSocket cannot be refused with a body that a browser may read. It is accepted and closed at once: 4401 without a
valid token, 4403 without the scope, 4404 when there is no such job, 1013 when the job has too many watchers; the reason
is the \`detail\`. One that is open is closed with 4401 when its token has expired, in place of the next message: dial
again with a fresh token, and \`after\`. It is closed with 1008 for more than 20 messages other than \`ping\` in a minute,
and with 1009 for one above a kilobyte.

This page is made by \`npm run openapi\` from \`src/problems/\`.
`

const FAILURES_HEAD = `## Why a job failed

These are no refusals: they stand in the \`error\` of a job that ended, or whose next attempt waits. \`retryable\` says
whether another attempt may do better. A worker may report codes of its own.

| code | in short | cause | what to do |
|---|---|---|---|`

export function errorsMarkdown(): string {
  const groups = Object.entries(PROBLEM_GROUPS).map(([name, problems]) => {
    const entries = Object.entries(problems).map(
      ([code, { statuses, cause, remedy }]) =>
        `### ${code}\n\n${titleOf(code)} (${statuses.join(' or ')}). ${cause}\n\n**What to do:** ${remedy}\n`,
    )
    return [`## ${name}\n`, ...entries].join('\n')
  })
  return [HEAD, ...groups, failures()].join('\n')
}

function failures(): string {
  const rows = Object.entries(FAILURES).map(
    ([code, { title, cause, remedy }]) => `| \`${code}\` | ${title} | ${cause} | ${remedy} |`,
  )
  return [FAILURES_HEAD, ...rows, ''].join('\n')
}
