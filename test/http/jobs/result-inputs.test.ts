/** The result of a complete job can be an input of other jobs in its project, for as long as that job keeps it. */
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { JobJson } from '../../../wire/job.ts'
import {
  api,
  bodyOf,
  type Created,
  countRows,
  createJob,
  dispatchedJob,
  freshProject,
  jobBody,
  pathOf,
  post,
  problemOf,
  retire,
  ring,
  textOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'

const world = useHttpWorld()

const jobOf = async (id: string) => bodyOf<JobJson>(await api(`/api/jobs/${id}`))
const runOf = (id: string) => world.runs.find(({ input }) => input.job_id === id)

async function aCompleteJob(project_id = 1): Promise<{ id: string; key: string }> {
  const { id, run } = await dispatchedJob(world.runs, { project_id })
  const { put_url, video_key: key } = run.input.output
  await api(pathOf(put_url), { method: 'PUT', headers: { 'Content-Type': 'video/mp4' }, body: 'result' })
  const as = { Authorization: `Bearer ${run.input.callback_token}` }
  await post(`/api/jobs/${id}/do/complete`, { output_video_key: key }, as)
  await ring(id)
  expect(await jobOf(id)).toMatchObject({ status: 'complete', output_video_key: key })
  return { id, key }
}

async function remove(id: string): Promise<void> {
  expect((await api(`/api/jobs/${id}`, { method: 'DELETE' })).status).toBe(200)
  await ring(id)
}

describe('The result of a complete job', () => {
  it('is handed to the worker of another job of its project, and shown as its source', async () => {
    const { key } = await aCompleteJob()
    const { job_id: id } = await createJob({ input_video_key: key })
    await ring(id)
    const url = runOf(id)?.input.input_url ?? ''
    expect(await textOf(await api(pathOf(url)))).toBe('result')
    const { input_url, input_video_key } = await jobOf(id)
    expect(input_video_key).toBe(key)
    expect(await textOf(await api(input_url ?? ''))).toBe('result')
  })

  it('stays when the jobs that use it are deleted or retired', async () => {
    const { key } = await aCompleteJob()
    for (const end of [remove, retire]) {
      const { job_id: id } = await createJob({ input_video_key: key })
      await post(`/api/jobs/${id}/cancel`, {})
      await ring(id)
      // Only the retention of the job that uses it passes: the clock of its source does not advance.
      await end(id)
    }
    expect(await env.VIDEOS.head(key)).not.toBeNull()
  })

  it('goes with its own job, which does not ask who uses it', async () => {
    const { id: source, key } = await aCompleteJob()
    const { job_id: id } = await createJob({ input_video_key: key })
    await remove(source)
    expect(await env.VIDEOS.head(key)).toBeNull()
    await ring(id)
    expect(await jobOf(id)).toMatchObject({
      status: 'error',
      error: {
        code: 'input_not_found',
        message: `There is no ${key} any more: its source was deleted.`,
        retryable: false,
      },
      input_url: null,
    })
    expect(runOf(id)).toBeUndefined()
  })

  it('is no input any more while its job is being deleted, though the file is still there', async () => {
    const { id: source, key } = await aCompleteJob()
    const { job_id: id } = await createJob({ input_video_key: key })
    await api(`/api/jobs/${source}`, { method: 'DELETE' })
    expect(await env.VIDEOS.head(key)).not.toBeNull()
    await ring(id)
    expect(await jobOf(id)).toMatchObject({ error: { code: 'input_not_found' } })
  })

  it('is replayed to the idempotency key that used it, also when it is gone', async () => {
    const { id: source, key } = await aCompleteJob()
    const headers = { 'Idempotency-Key': crypto.randomUUID() }
    const send = () => post('/api/jobs', jobBody({ input_video_key: key }), headers)
    const first = await bodyOf<Created>(await send(), 201)
    await remove(source)
    expect((await bodyOf<Created>(await send(), 201)).job_id).toBe(first.job_id)
  })
})

describe('Refused at once, and in no list, is', () => {
  const NO_RESULT = {
    errors: [
      {
        pointer: '/input_video_key',
        detail: 'There is no complete job of this project that has this result.',
      },
    ],
  }
  const refused = async (input_video_key: string, project_id = 1) => {
    const rows = await countRows()
    const answer = await post('/api/jobs', jobBody({ project_id, input_video_key }))
    expect(await problemOf(answer, 400, 'validation_failed')).toMatchObject(NO_RESULT)
    expect(await countRows()).toBe(rows)
  }

  it('the result of another project', async () => {
    const { key } = await aCompleteJob()
    await refused(key, freshProject())
  })

  it('the result of another project, also to requests that are sent at once under one key', async () => {
    const { key } = await aCompleteJob(freshProject())
    const project = freshProject()
    const body = { ...jobBody(), project_id: project, input_video_key: key }
    const sent = Array.from({ length: 10 }, () => post('/api/jobs', body, { 'Idempotency-Key': 'at once' }))
    const statuses = (await Promise.all(sent)).map(({ status }) => status)
    expect(statuses).toEqual(statuses.map(() => 400))
    const list = await bodyOf<{ jobs: unknown[] }>(await api(`/api/jobs?project_id=${project}`))
    expect(list.jobs).toEqual([])
  })

  it('what a job left that is not its result: another attempt’s file, its poster, a file yet to be checked', async () => {
    const { id, key } = await aCompleteJob()
    for (const name of ['1-2.mp4', '1-1.jpg']) {
      await env.VIDEOS.put(`output/${id}/${name}`, 'left', { customMetadata: { project: '1' } })
      await refused(`output/${id}/${name}`)
    }
    const { run } = await dispatchedJob(world.runs)
    await env.VIDEOS.put(run.input.output.video_key, 'half', { customMetadata: { project: '1' } })
    await refused(run.input.output.video_key)
    expect((await jobOf(id)).output_video_key).toBe(key)
  })

  it.each(['output/elsewhere/1-1.mp4', 'output/0192f000-0000-7000-8000-0000000000ab/1-1.mp4', 'output/x'])(
    'a key of no job: %s',
    async (key) => {
      await env.VIDEOS.put(key, 'video', { customMetadata: { project: '1' } })
      await refused(key)
    },
  )

  it('a result as an image', async () => {
    const params = { items: [{ type: 'image', image_key: 'output/a/1-1.mp4' }] }
    await problemOf(await post('/api/jobs', jobBody({ params })), 400, 'validation_failed')
  })
})
