/** POST /api/tokens: a token with fewer rights and a shorter life, for example for a browser. */

/** The scopes of tokens; `admin` implies all the others. */
export type Scope = 'jobs:read' | 'jobs:write' | 'videos:write' | 'metrics:read' | 'admin'

export interface TokenRequest {
  /** Scope names separated by single spaces (RFC 6749, 3.3). */
  scope: string
  project_id?: number
  job_id?: string
  /** At least 10; by default a quarter of an hour. */
  ttl_seconds?: number
}

export interface IssuedToken {
  token: string
  expires_at: string
  scope: string
  project_id: number | null
  job_id: string | null
}
