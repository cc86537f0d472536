import { open, type Route } from '../http/route.ts'
import { explainProblem } from './errors.ts'
import { health } from './health.ts'
import { readOpenApi } from './openapi-json.ts'

export const SERVICE_ROUTES: readonly Route[] = [
  open('GET', '/health', health),
  open('GET', '/errors/:code', explainProblem),
  open('GET', '/openapi.json', readOpenApi),
]
