/** Hostile input at the other routes: queries, cursors, ids, access tokens, and multipart uploads. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  hostileBody,
  hostileHeaders,
  hostileText,
  nearly,
  RUNS,
  stateOf,
  uploadStateOf,
} from '../../support/workerd/hostile.ts'
import { apiWith, createJob, useHttpWorld } from '../../support/workerd/http.ts'
import { tokenOf } from '../../support/workerd/tokens.ts'
import { beginInProject, bytesOf, companionFor } from '../../support/workerd/uploads.ts'

useHttpWorld()

/** Without the rate limit, which would otherwise answer after a while. */
async function statusOf(path: string, init: RequestInit = {}): Promise<number> {
  const response = await apiWith({}, path, init)
  response.webSocket?.accept()
  response.webSocket?.close()
  await response.body?.cancel()
  return response.status
}

const query = fc.dictionary(
  fc.constantFrom('project_id', 'status', 'type', 'limit', 'cursor', 'after', 'wait', 'token', 'sig', 'deep'),
  hostileText,
  { maxKeys: 4 },
)

describe('A hostile query', () => {
  it.each([
    '/api/jobs',
    '/api/jobs/ID',
    '/api/jobs/ID/events',
    '/api/jobs/ID/ws',
    '/api/admin/stats',
    '/health',
  ])('of %s costs no 500 and changes nothing', async (route) => {
    const { job_id: id } = await createJob()
    const before = await stateOf(id)
    const path = route.replace('ID', id)
    await fc.assert(
      fc.asyncProperty(query, async (given) => {
        // A long poll would actually wait.
        const { wait: _, ...sent } = given
        expect(await statusOf(`${path}?${new URLSearchParams(sent)}`)).toBeLessThan(500)
        expect(await stateOf(id)).toEqual(before)
      }),
      { numRuns: RUNS },
    )
  })

  it('as raw as an address may be is answered, and so is any id', async () => {
    await fc.assert(
      fc.asyncProperty(hostileText, fc.constantFrom('GET', 'DELETE'), async (text, method) => {
        const id = encodeURIComponent(text.toWellFormed())
        expect(await statusOf(`/api/jobs/${id}`, { method })).toBeLessThan(500)
        expect(await statusOf(`/api/videos/download/input/${id}?sig=${id}&exp=1`)).toBeLessThan(500)
        expect(await statusOf(`/api/jobs?cursor=${id}&${id}=%`)).toBeLessThan(500)
      }),
      { numRuns: RUNS },
    )
  })
})

describe('An access token that nearly fits', () => {
  it('opens nothing', async () => {
    const { job_id: id } = await createJob()
    const before = await stateOf(id)
    await fc.assert(
      fc.asyncProperty(nearly(await tokenOf()), async (token) => {
        const headers = { Authorization: `Bearer ${token}` }
        expect(await statusOf(`/api/jobs/${id}`, { headers })).toBe(401)
        expect(await statusOf(`/api/jobs/${id}/cancel`, { method: 'POST', headers })).toBe(401)
        expect(await stateOf(id)).toEqual(before)
      }),
      { numRuns: RUNS },
    )
  })
})

describe('An upload in parts', () => {
  const rest = fc.constantFrom('', '/1', '/2', '/0', '/complete', '/progress', '/..', '/%2e%2e/1')
  const method = fc.constantFrom('GET', 'POST', 'DELETE', 'PUT')

  it('answers no token but its own, whatever is called', async () => {
    const upload = await beginInProject()
    const etag = await upload.send(1, bytesOf(3))
    const before = await uploadStateOf(upload.key)
    const token = upload.companion.split('/').at(-1) ?? ''
    const body = hostileBody({ parts: [{ PartNumber: 1, ETag: etag }] })
    await fc.assert(
      fc.asyncProperty(nearly(token), rest, method, body, async (other, tail, verb, sent) => {
        const path = upload.path(tail).replace(token, encodeURIComponent(other))
        const init = { method: verb, ...(verb !== 'GET' && { body: sent }) }
        const status = await statusOf(path, init)
        expect(status).toBeGreaterThanOrEqual(400)
        expect(status).toBeLessThan(500)
        expect(await uploadStateOf(upload.key)).toEqual(before)
      }),
      { numRuns: RUNS },
    )
  })

  it('takes or refuses hostile bodies, keys and ids, and stays as it was when it refuses', async () => {
    const upload = await beginInProject()
    await upload.send(1, bytesOf(3))
    const before = await uploadStateOf(upload.key)
    const body = hostileBody({ parts: [{ PartNumber: 1, ETag: 'another' }] })
    await fc.assert(
      fc.asyncProperty(body, hostileHeaders, hostileText, async (sent, headers, text) => {
        const init = { method: 'POST', headers, body: sent }
        expect(await statusOf(upload.path('/complete'), init)).toBeGreaterThanOrEqual(400)
        const id = encodeURIComponent(text.toWellFormed())
        const foreign = `${upload.companion}/s3/multipart/${id}`
        for (const path of [`${foreign}?key=${id}`, `${foreign}/1?key=${encodeURIComponent(upload.key)}`]) {
          const status = await statusOf(path)
          expect(status).toBeLessThan(500)
        }
        expect(await uploadStateOf(upload.key)).toEqual(before)
      }),
      { numRuns: RUNS },
    )
  })

  it('begins or refuses by any body', async () => {
    const companion = await companionFor(7)
    const body = hostileBody({ filename: 'a.mp4', type: 'video/mp4', size_bytes: 5, metadata: {} })
    await fc.assert(
      fc.asyncProperty(body, hostileHeaders, async (sent, headers) => {
        const init = { method: 'POST', headers, body: sent }
        expect(await statusOf(`${companion}/s3/multipart`, init)).toBeLessThan(500)
      }),
      { numRuns: RUNS },
    )
  })
})
