/** Who gets in where: every route against every way in which a caller can be wrong. */

export const COLUMNS = ['none', 'expired', 'forged', 'scope', 'project', 'job', 'right'] as const
export type Column = (typeof COLUMNS)[number]

/**
 * The status for each column: without authority, with one that has expired, one with a bad signature, the wrong scope
 * or purpose, that of another project, that of another job or file, and the right one. A socket is told by its close
 * code. `-`: the authority names no project or no job that could be another.
 */
export const EXPECTED: Record<string, string> = {
  // Open to everyone, whatever they carry.
  'GET /health': '200 200 200 200 200 200 200',
  'GET /errors/:code': '200 200 200 200 200 200 200',
  'GET /openapi.json': '200 200 200 200 200 200 200',
  // By access token. Another project's list is empty, and the types of job are nobody's secret.
  'POST /api/jobs': '401 401 401 403 403 403 201',
  'GET /api/jobs': '401 401 401 403 200 403 200',
  'GET /api/jobs/:id': '401 401 401 403 404 404 200',
  'DELETE /api/jobs/:id': '401 401 401 403 404 404 202',
  'POST /api/jobs/:id/cancel': '401 401 401 403 404 404 200',
  'POST /api/jobs/:id/retry': '401 401 401 403 404 404 200',
  'POST /api/jobs/:id/webhooks/:delivery/redeliver': '401 401 401 403 404 404 202',
  'GET /api/jobs/:id/ws': '4401 4401 4401 4403 4404 4404 101',
  'GET /api/jobs/:id/events': '401 401 401 403 404 404 200',
  'POST /api/videos/upload-url': '401 401 401 403 403 403 200',
  'GET /api/videos/download/:key+': '401 401 401 403 404 404 200',
  'POST /api/uploads': '401 401 401 403 403 403 200',
  'GET /api/job-types': '401 401 401 403 200 200 200',
  // Figures over all projects, which no token of one project may see.
  'GET /api/admin/stats': '401 401 401 403 403 403 200',
  'GET /api/admin/metrics': '401 401 401 403 403 403 200',
  'GET /api/admin/lanes': '401 401 401 403 403 403 200',
  'POST /api/admin/lanes/:name/actions': '401 401 401 403 403 403 200',
  'GET /api/admin/jobs': '401 401 401 403 200 403 200',
  'GET /api/admin/jobs/:id': '401 401 401 403 404 404 200',
  // Another project's token finds no job.
  'POST /api/admin/jobs/actions': '401 401 401 403 200 403 200',
  'POST /api/admin/jobs/:id/actions': '401 401 401 403 404 404 200',
  'POST /api/tokens': '401 401 401 403 403 403 201',
  // By the assertion of Cloudflare Access.
  'POST /api/admin/session': '401 401 401 401 - - 201',
  // By the callback token of one attempt.
  'GET /api/jobs/:id/do/ws': '4401 4401 4401 4401 - 4401 101',
  'POST /api/jobs/:id/do/progress': '401 401 401 401 - 401 200',
  'POST /api/jobs/:id/do/complete': '401 401 401 401 - 401 200',
  'POST /api/jobs/:id/do/error': '401 401 401 401 - 401 200',
  // By signed URL.
  'POST /api/runpod/callback': '401 403 403 403 - 403 200',
  'PUT /api/videos/upload/:key+': '401 403 403 403 403 403 201',
  'PUT /api/uploads/part/:key+': '401 403 403 403 - 403 200',
  // By a token in the path, which makes new files of its own project and speaks of no other.
  'POST /api/uploads/:token/s3/multipart': '403 403 403 403 - - 200',
  'GET /api/uploads/:token/s3/multipart/:upload': '403 403 403 403 404 404 200',
  'DELETE /api/uploads/:token/s3/multipart/:upload': '403 403 403 403 404 404 200',
  'POST /api/uploads/:token/s3/multipart/:upload/complete': '403 403 403 403 404 404 200',
  'GET /api/uploads/:token/s3/multipart/:upload/progress': '403 403 403 403 404 404 200',
  'GET /api/uploads/:token/s3/multipart/:upload/:part': '403 403 403 403 404 404 200',
  'GET /api/uploads/:token/s3/params': '403 403 403 403 - - 400',
}
