/** GET /openapi.json: the committed document; a test compares it with the schemas and the route table. */
import document from '../../openapi.json' with { type: 'json' }
import { json } from '../http/exchange.ts'

export async function readOpenApi(): Promise<Response> {
  return json(document, 200, { 'Cache-Control': 'public, max-age=300' })
}
