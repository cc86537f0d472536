/** OpenAPI notes of the routes that issue tokens. */
import type { OperationNote } from '../openapi/operation.ts'
import { IssuedToken, TokenBody } from './schemas.ts'

export const TOKEN_NOTES: readonly OperationNote[] = [
  {
    route: 'POST /api/admin/session',
    id: 'createSession',
    tag: 'Operation',
    summary: 'Sign in by Cloudflare Access',
    description:
      'Exchanges the assertion of Cloudflare Access for a token of a quarter of an hour, with the scope `admin` and the operator’s address of email as its name. The assertion opens nothing else. Only for pages of this very origin.',
    answers: { 201: { description: 'The token; a page keeps it in memory.', schema: IssuedToken } },
    problems: ['access_not_configured', 'access_unavailable'],
    examples: [{ name: 'sign-in', summary: 'After Access has let the operator in', status: 201 }],
  },
  {
    route: 'POST /api/tokens',
    id: 'createToken',
    tag: 'Service',
    summary: 'Make a narrower token',
    description:
      'For a browser, say: one job, read only. It never does more than the token that asks, nor outlives it; project and job of that token are kept when none is named.',
    body: TokenBody,
    answers: { 201: { description: 'The token; it is not shown again.', schema: IssuedToken } },
    problems: ['scope_missing', 'project_forbidden', 'job_token_only'],
    examples: [
      {
        name: 'reader',
        summary: 'To read one project for an hour',
        body: { scope: 'jobs:read', project_id: 1, ttl_seconds: 3600 },
        status: 201,
        answer: {
          token: 'eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.…',
          expires_at: '2026-01-01T11:00:00.000Z',
          scope: 'jobs:read',
          project_id: 1,
          job_id: null,
        },
      },
    ],
  },
]
