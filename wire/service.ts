/** What the service says of itself. */
import type { JsonObject } from './json.ts'

/** One of GET /api/job-types. */
export interface JobTypeInfo {
  name: string
  summary: string
  /** JSON Schema of the type's `params`. */
  params: JsonObject
}

export interface HealthCheck {
  ok: boolean
  ms: number
  /** Why it is not. */
  detail?: string
}

/** GET /health. */
export interface Health {
  status: 'ok' | 'degraded'
  env: 'development' | 'staging' | 'production'
  /** When asked to look deeper. */
  checks?: Record<'d1' | 'r2' | 'runpod', HealthCheck>
}
