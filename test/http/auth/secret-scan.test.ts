/** No secret is logged: the whole run is searched, here the entire life of a job with everything that it uses. */
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { callbackToken } from '../../../actors/shared/signing.ts'
import { HOUR, MINUTE, T0 } from '../../support/workerd/clock.ts'
import {
  api,
  bodyOf,
  type Created,
  downloadOf,
  jobBody,
  pathOf,
  post,
  type RunBody,
  ring,
  SECRET,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { search, secret } from '../../support/workerd/secret-scan.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'
import { begin, companionFor, planFor } from '../../support/workerd/uploads.ts'

const world = useHttpWorld()

const TYPES = { 'Content-Type': 'application/json' }

/** Every signed text in a JSON value, and every token. */
function signedIn(value: unknown): string[] {
  const texts = JSON.stringify(value).match(/"[^"]{8,}"/g) ?? []
  return texts.map((text) => text.slice(1, -1)).filter((text) => /sig=|^\d+\.\d+\.|^eyJ|\/eyJ/.test(text))
}

/** The parts of a URL that grant access. */
function partsOf(text: string): string[] {
  return [text, ...(text.match(/[\w-]{43}/g) ?? []), ...(text.match(/eyJ[\w-]+\.[\w-]+/g) ?? [])]
}

describe('The search', () => {
  it.each([
    ['a signed address', `failed: GET https://x.test${downloadOf('input/a.mp4', { until: T0 })}`],
    ['a callback token', `refused ${callbackToken(SECRET, 'j', { round: 1, attempt: 1 }, T0 + HOUR)}`],
    ['a header', 'sent Authorization: Bearer abcdefgh'],
    ['a signature of a webhook', 'sent v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4='],
    ['a webhook key', 'with whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    ['a presigned signature', `X-Amz-Signature=${'0a'.repeat(32)}`],
    ['the secret of the deployment', `AUTH_SECRET is ${SECRET}`],
    ['the key of RunPod', `RUNPOD_API_KEY is ${env.RUNPOD_API_KEY}`],
  ])('finds %s in a line of the console', (_, line) => {
    console.error(line)
    expect(search().leaks).toEqual([line])
  })

  it('finds a token that a request carried, whatever its form', async () => {
    await api('/api/jobs', { headers: bearer('no-form-at-all') })
    console.log('someone sent no-form-at-all')
    expect(search().leaks).toEqual(['someone sent no-form-at-all'])
  })

  it('finds nothing in the lines of a request', async () => {
    await api('/api/jobs')
    expect(search()).toMatchObject({ leaks: [], lines: [expect.stringContaining('"at":"request"')] })
  })
})

it('A whole life, with tokens, uploads, callbacks, webhooks and failures, leaves no secret in the log', async () => {
  const others = vi.mocked(fetch).getMockImplementation()
  const sent: string[] = []
  vi.mocked(fetch).mockImplementation(async (input, init) => {
    const headers = new Headers(init?.headers)
    sent.push(...(headers.get('webhook-signature')?.split(' ') ?? []), headers.get('Authorization') ?? '')
    // The error quotes its URL, and the headers sent.
    if (String(input).includes('hooks.example.com')) {
      throw new Error(`connect to ${input} failed: ${headers.get('webhook-signature')}`)
    }
    return others?.(input, init) ?? Response.error()
  })
  const admin = await tokenOf({ projectId: 1 })
  const as = { ...TYPES, ...bearer(admin) }

  const plan = await planFor(4, { project_id: 1 })
  const put = { method: 'PUT', headers: { 'Content-Type': 'video/mp4', 'Content-Length': '4' }, body: 'clip' }
  expect((await api(pathOf(plan.upload_url ?? ''), put)).status).toBe(201)
  await api(pathOf(plan.upload_url ?? '').replace(/sig=.{4}/, 'sig=AAAA'), put)
  const parts = await begin(await companionFor(1), { filename: 'b.mp4', type: 'video/mp4' })
  await parts.send(1, new TextEncoder().encode('clip'))

  const webhook_url = 'https://hooks.example.com/exports?key=receivers-own-secret'
  const body = jobBody({
    input_video_key: plan.video_key,
    webhook_url,
    webhook_events: ['queued', 'complete'],
  })
  const created = await bodyOf<Created>(await post('/api/jobs', body, as), 201)
  const { job_id: id } = created
  await ring(id)
  const run: RunBody | undefined = world.runs.at(-1)
  const worker = { ...TYPES, Authorization: `Bearer ${run?.input.callback_token}` }
  const report = (kind: string, told: object) => post(`/api/jobs/${id}/do/${kind}`, told, worker)
  await report('progress', { progress: 10, stage: 'rendering' })
  await post(
    `/api/jobs/${id}/do/progress`,
    { progress: 11 },
    { Authorization: 'Bearer 1.1.9.forged-signature' },
  )
  await api(pathOf(run?.webhook ?? ''), {
    method: 'POST',
    headers: TYPES,
    body: '{"id":"x","status":"FAILED"',
  })
  const { put_url, video_key } = run?.input.output ?? { put_url: '', video_key: '' }
  await api(pathOf(put_url), put)
  await report('complete', { output_video_key: video_key })
  const down = vi.spyOn(env.DB, 'prepare').mockImplementation(() => {
    throw new Error(`D1_ERROR near ${put_url}, Authorization: Bearer ${admin}`)
  })
  await ring(id)
  await api(`/api/jobs?project_id=1`, { headers: as })
  down.mockRestore()
  vi.setSystemTime(Date.now() + 6 * MINUTE)
  await ring(id)
  const done = await bodyOf<Created['job']>(await api(`/api/jobs/${id}`, { headers: as }))
  await api(done.output_url ?? '')
  const browser = await bodyOf<{ token: string }>(
    await post('/api/tokens', { scope: 'jobs:read', job_id: id }, as),
    201,
  )
  await api(`/api/jobs/${id}/events?token=${browser.token}`)
  await api(`/api/jobs/${id}/ws?token=${browser.token}x`, { headers: { Upgrade: 'websocket' } })

  const given = [plan, created, run, done, parts].flatMap(signedIn).flatMap(partsOf)
  secret(...given, ...sent, admin, browser.token, 'receivers-own-secret', 'hooks.example.com')
  const { leaks, lines } = search()
  expect(leaks).toEqual([])
  expect(given.length).toBeGreaterThan(15)
  expect(sent.filter((each) => each.startsWith('v1,')).length).toBeGreaterThanOrEqual(2)
  expect(done.status).toBe('complete')
  const kinds = lines.map((line): string => JSON.parse(line).at)
  for (const kind of ['request', 'transition', 'perform', 'bug']) expect(kinds).toContain(kind)
  // This fault was intended.
  world.logs.length = 0
})
