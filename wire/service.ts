/** Descriptions of the service. */
import type { JsonObject } from './json.ts'

/** An item of GET /api/job-types. */
export interface JobTypeInfo {
  name: string
  summary: string
  /** JSON Schema of the type's `params`. */
  params: JsonObject
}

export interface HealthCheck {
  ok: boolean
  ms: number
  /** Why it is not available. */
  detail?: string
}

/** GET /health. */
export interface Health {
  status: 'ok' | 'degraded'
  env: 'development' | 'staging' | 'production'
  /** Version of Exportal: of its package, its API document and its client. */
  release: string
  /** Version of the running Worker, as `wrangler deploy` prints it; null when the platform does not provide it. */
  version: string | null
  /** Set after a deep check. */
  checks?: Record<'d1' | 'r2' | 'runpod', HealthCheck>
}
