/** What the service says of itself, and the tokens that it makes. */
import * as v from 'valibot'
import { Health, JobTypes } from '../schemas/service.ts'
import { IssuedToken, TokenBody } from '../schemas/token.ts'
import type { Operation } from './operation.ts'

export const SERVICE_OPERATIONS: readonly Operation[] = [
  {
    route: 'GET /health',
    id: 'readHealth',
    tag: 'Service',
    summary: 'See that the service answers',
    description:
      'With `deep=1` also whether what it needs answers: the database, storage and RunPod. That needs a token with the scope admin.',
    access: 'open',
    query: v.object({ deep: v.optional(v.string()) }),
    notes: { deep: '`1`: look at everything.' },
    answers: {
      200: { description: 'It answers.', schema: Health },
      503: { description: 'Asked deeply: something that it needs does not answer.', schema: Health },
    },
    problems: [
      'not_configured',
      'unauthorized',
      'token_invalid',
      'token_expired',
      'token_misplaced',
      'scope_missing',
    ],
    examples: [
      {
        name: 'shallow',
        summary: 'No more than that',
        status: 200,
        answer: { status: 'ok', env: 'development' },
      },
      { name: 'deep', summary: 'Everything', query: { deep: '1' }, status: 200 },
    ],
  },
  {
    route: 'GET /errors/:code',
    id: 'explainProblem',
    tag: 'Service',
    summary: 'Read what a problem code means',
    description: 'The `type` of every problem leads here. The same stands in docs/errors.md.',
    access: 'open',
    path: v.object({ code: v.pipe(v.string(), v.regex(/^[a-z0-9_]+$/)) }),
    notes: { code: 'The `code` of a problem.' },
    answers: { 200: { description: 'A page for people.', mediaType: 'text/html' } },
    problems: ['route_not_found'],
    examples: [{ name: 'one', summary: 'What job_not_found means', status: 200 }],
  },
  {
    route: 'GET /openapi.json',
    id: 'readOpenApi',
    tag: 'Service',
    summary: 'Read this document',
    access: 'open',
    answers: { 200: { description: 'OpenAPI 3.1.', mediaType: 'application/json' } },
    examples: [{ name: 'document', summary: 'This document', status: 200 }],
  },
  {
    route: 'GET /api/job-types',
    id: 'listJobTypes',
    tag: 'Service',
    summary: 'List the types of job with the schema of their params',
    access: 'jobs:read',
    answers: { 200: { description: 'The types.', schema: JobTypes } },
    examples: [{ name: 'all', summary: 'Every type', status: 200 }],
  },
  {
    route: 'POST /api/tokens',
    id: 'createToken',
    tag: 'Service',
    summary: 'Make a narrower token',
    description:
      'For a browser, say: one job, read only. It never does more than the token that asks, nor outlives it; project and job of that token are kept when none is named.',
    access: 'any',
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
