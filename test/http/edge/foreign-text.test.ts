/** Texts of RunPod and workers are visible to everyone who may read the job, so they must not contain credentials. */
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import {
  api,
  createJob,
  dispatchedJob,
  jobBody,
  pathOf,
  post,
  type RunBody,
  ring,
  textOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import { received, URL_OF_RECEIVER, useReceiver } from '../../support/workerd/receiver.ts'
import { bearer } from '../../support/workerd/tokens.ts'

const world = useHttpWorld()
useReceiver()

/** All representations of a job: in its actor, in the list, in an operator's view and by webhook. */
async function shown(id: string): Promise<string> {
  await ring(id)
  const paths = [`/api/jobs/${id}`, `/api/jobs/${id}/events`, `/api/admin/jobs/${id}`, '/api/jobs']
  const texts = await Promise.all(paths.map(async (path) => textOf(await api(path))))
  const row = await env.DB.prepare('SELECT * FROM export_jobs WHERE id = ?').bind(id).first()
  return [...texts, JSON.stringify(row), ...received.map(({ body }) => body)].join('\n')
}

/** The signatures and tokens in the request to a worker. */
function secretsIn({ input, webhook }: RunBody): string[] {
  const sent = JSON.stringify([input, webhook])
  return [
    input.callback_token,
    ...(sent.match(/sig=[\w-]{43}/g) ?? []),
    ...(sent.match(/eyJ[\w-]+\.[\w-]+/g) ?? []),
  ]
}

function expectNone(text: string, secrets: readonly string[]): void {
  expect(secrets.length).toBeGreaterThan(3)
  for (const secret of secrets) expect(text).not.toContain(secret.replace(/^sig=/, ''))
}

async function aTellingJob(): Promise<string> {
  const key = `input/${crypto.randomUUID()}/clip.mp4`
  await env.VIDEOS.put(key, 'video', { customMetadata: { project: '1' } })
  const events = ['queued', 'processing', 'complete', 'error', 'cancelled']
  return (await createJob({ input_video_key: key, webhook_url: URL_OF_RECEIVER, webhook_events: events }))
    .job_id
}

describe('Foreign text', () => {
  it('of a RunPod that refuses a job and echoes it whole opens nothing', async () => {
    const id = await aTellingJob()
    const others = vi.mocked(fetch).getMockImplementation()
    const runs: RunBody[] = []
    vi.mocked(fetch).mockImplementation(async (input, init) => {
      if (!String(input).endsWith('/run')) return others?.(input, init) ?? Response.error()
      const body = String(init?.body)
      runs.push(JSON.parse(body))
      const header = new Headers(init?.headers).get('Authorization')
      return Response.json(
        { error: `${header}: ${body.slice(body.indexOf('callback_token'))}` },
        { status: 400 },
      )
    })
    await ring(id)
    const text = await shown(id)
    expect(text).toContain('dispatch_rejected')
    expect(received.map(({ body }): string => JSON.parse(body).type)).toEqual(['job.error'])
    const [run] = runs
    expectNone(text, [...(run ? secretsIn(run) : []), String(env.RUNPOD_API_KEY)])
  })

  it.each(['error', 'progress'])('of a worker’s %s that quotes its addresses opens nothing', async (kind) => {
    const { id, run } = await dispatchedJob(world.runs)
    const { input_url: url, callback_token: token, output } = run.input
    const quoted = `403 for ${url} as ${token}, then ${output.put_url}`
    const body = {
      error: { error: quoted, should_retry: false },
      progress: { progress: 5, message: quoted, stage: token },
    }[kind]
    expect((await post(`/api/jobs/${id}/do/${kind}`, body, bearer(token))).status).toBe(200)
    const text = await shown(id)
    expect(text).toContain('403 for')
    expectNone(text.replaceAll(/"(?:input|output)_url":"[^"]*"/g, ''), secretsIn(run))
  })

  it('in RunPod’s own webhook opens nothing', async () => {
    const { id, run } = await dispatchedJob(world.runs)
    const error = JSON.stringify({ error_message: `KeyError in ${JSON.stringify(run.input)}` })
    const envelope = { status: 'FAILED', error }
    const plain = { job_id: id, status: 'failed', error: `${'x'.repeat(400)} ${JSON.stringify(run)}` }
    for (const body of [envelope, plain]) {
      expect((await post(pathOf(run.webhook), body)).status).toBe(200)
    }
    const text = await shown(id)
    expect(text).toContain('KeyError')
    expectNone(text.replaceAll(/"(?:input|output)_url":"[^"]*"/g, ''), secretsIn(run))
  })
})

it('A key that is used again after a deletion makes a job whose webhooks have ids of their own', async () => {
  const told = async () => {
    const body = jobBody({ webhook_url: URL_OF_RECEIVER })
    const { job_id: id } = await (await post('/api/jobs', body, { 'Idempotency-Key': 'once-more' })).json<{
      job_id: string
    }>()
    await post(`/api/jobs/${id}/cancel`, {})
    await ring(id)
    await api(`/api/jobs/${id}`, { method: 'DELETE' })
    await ring(id)
    return id
  }
  expect(await told()).toBe(await told())
  const ids = received.map(({ headers }) => headers['webhook-id'])
  expect(ids).toHaveLength(2)
  expect(new Set(ids).size).toBe(2)
})
