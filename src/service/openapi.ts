/** OpenAPI notes of the routes that describe the service. */
import * as v from 'valibot'
import type { OperationNote } from '../openapi/operation.ts'
import { Health } from './schemas.ts'

export const SERVICE_NOTES: readonly OperationNote[] = [
  {
    route: 'GET /health',
    id: 'readHealth',
    tag: 'Service',
    summary: 'See that the service answers',
    description:
      'With `deep=1` also whether what it needs answers: the database, storage and RunPod. That needs a token with the scope admin.',
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
        answer: {
          status: 'ok',
          env: 'development',
          release: '0.2.0',
          version: '8d9f1f9e-3f0c-4c58-a9e4-5f6f2d1f7a10',
        },
      },
      { name: 'deep', summary: 'Everything', query: { deep: '1' }, status: 200 },
    ],
  },
  {
    route: 'GET /errors/:code',
    id: 'explainProblem',
    tag: 'Service',
    summary: 'Read what a code means',
    description:
      'Of a problem, or of the `error` of a job that failed. The `type` of every problem leads here. The same stands in docs/errors.md.',
    path: v.object({ code: v.pipe(v.string(), v.regex(/^[a-z0-9_]+$/)) }),
    notes: { code: 'The `code` of a problem, or of a job’s `error`.' },
    answers: { 200: { description: 'A page for people.', mediaType: 'text/html' } },
    problems: ['route_not_found'],
    examples: [{ name: 'one', summary: 'What job_not_found means', status: 200 }],
  },
  {
    route: 'GET /openapi.json',
    id: 'readOpenApi',
    tag: 'Service',
    summary: 'Read this document',
    answers: { 200: { description: 'OpenAPI 3.1.', mediaType: 'application/json' } },
    examples: [{ name: 'document', summary: 'This document', status: 200 }],
  },
]
