import { type Route, signed } from '../http/route.ts'
import { openLine } from './line.ts'
import { reportComplete, reportError, reportProgress } from './reports.ts'
import { runpodCallback } from './runpod-callback.ts'

export const GPU_ROUTES: readonly Route[] = [
  signed('GET', '/api/jobs/:id/do/ws', 'callback token', openLine),
  signed('POST', '/api/jobs/:id/do/progress', 'callback token', reportProgress),
  signed('POST', '/api/jobs/:id/do/complete', 'callback token', reportComplete),
  signed('POST', '/api/jobs/:id/do/error', 'callback token', reportError),
  signed('POST', '/api/runpod/callback', 'signed URL', runpodCallback),
]
