/** The notes of all routes in the order of the document, with the access of the route table. */
import { ADMIN_NOTES } from '../admin/openapi.ts'
import { TOKEN_NOTES } from '../auth/openapi.ts'
import { UPLOAD_NOTES } from '../files/multipart/openapi.ts'
import { VIDEO_NOTES } from '../files/openapi.ts'
import { REPORT_NOTES } from '../gpu/openapi.ts'
import { JOB_NOTES } from '../jobs/openapi.ts'
import { ROUTES } from '../router.ts'
import { SERVICE_NOTES } from '../service/openapi.ts'
import { WATCH_NOTES } from '../watch/openapi.ts'
import type { Operation, OperationNote } from './operation.ts'

const NOTES: readonly OperationNote[] = [
  ...JOB_NOTES,
  ...WATCH_NOTES,
  ...REPORT_NOTES,
  ...VIDEO_NOTES,
  ...UPLOAD_NOTES,
  ...ADMIN_NOTES,
  ...SERVICE_NOTES,
  ...TOKEN_NOTES,
]

export const OPERATIONS: readonly Operation[] = NOTES.map((note) => {
  const route = ROUTES.find(({ method, path }) => `${method} ${path}` === note.route)
  if (!route) throw new Error(`There is no route ${note.route}.`)
  const { answer: _, method: __, path: ___, ...access } = route
  return { ...note, ...access }
})
