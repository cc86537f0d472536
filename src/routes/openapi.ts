/** GET /openapi.json: the committed document, which a test holds to the schemas and the route table. */
import document from '../../openapi.json' with { type: 'json' }
import { json } from '../http.ts'

export async function readOpenApi(): Promise<Response> {
  return json(document, 200, { 'Cache-Control': 'public, max-age=300' })
}
