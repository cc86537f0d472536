import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'
import type { BulkDone, LaneJson, LanesJson, Statistics } from '../../../wire/admin.ts'
import type { JobJson, JobPage } from '../../../wire/job.ts'
import { pass, SECOND } from '../../support/workerd/clock.ts'
import {
  api,
  apiWith,
  bodyOf,
  createJob,
  freshProject,
  post,
  problemOf,
  ring,
  useHttpWorld,
} from '../../support/workerd/http.ts'

const world = useHttpWorld()

const readLane = async (name = 'default'): Promise<LaneJson | undefined> => {
  const { lanes } = await bodyOf<LanesJson>(await api('/api/admin/lanes'))
  return lanes.find((lane) => lane.name === name)
}
const act = (action: string, reason: string, name = 'default') =>
  post(`/api/admin/lanes/${name}/actions`, { action, reason })
const readJob = async (id: string): Promise<JobJson> => bodyOf(await api(`/api/jobs/${id}`))

describe('The lanes', () => {
  it('are those of the settings, each with what stops it', async () => {
    expect(await readLane()).toMatchObject({ name: 'default', breaker: null, pause: null })
  })

  it('are inspected and paused while the list does not answer', async () => {
    const down = () => {
      throw new Error('D1 is down.')
    }
    const DB = { prepare: down, batch: down } as unknown as D1Database
    const act = (action: string) =>
      apiWith({ DB }, '/api/admin/lanes/default/actions', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ action, reason: 'The list is down.' }),
      })
    const paused = await bodyOf<{ lane: LaneJson }>(await act('pause'))
    expect(paused.lane.pause).toMatchObject({ reason: 'The list is down.' })
    const seen = await bodyOf<LanesJson>(await apiWith({ DB }, '/api/admin/lanes'))
    expect(seen.lanes.map(({ name }) => name)).toContain('default')
    await act('resume')
  })

  it('are paused and resumed with a reason that waiting jobs and the log repeat', async () => {
    const paused = await bodyOf<{ lane: LaneJson }>(await act('pause', 'Planned maintenance.'))
    expect(paused.lane.pause).toMatchObject({ reason: 'Planned maintenance.' })
    const key = `input/${crypto.randomUUID()}/clip.mp4`
    const project = freshProject()
    await env.VIDEOS.put(key, 'video', { customMetadata: { project: String(project) } })
    const { job } = await createJob({ project_id: project, input_video_key: key })
    await ring(job.id)
    expect(world.runs).toEqual([])
    expect(await readJob(job.id)).toMatchObject({
      status: 'pending',
      attempt: 0,
      queue: { paused: true },
      reason: expect.stringContaining('Planned maintenance'),
    })
    const again = await bodyOf<{ lane: LaneJson }>(await act('pause', 'Another one.'))
    expect(again.lane.pause?.reason).toBe('Planned maintenance.')
    expect((await bodyOf<{ lane: LaneJson }>(await act('resume', 'It is over.'))).lane.pause).toBeNull()
    // The lane calls its jobs in the background.
    for (let rings = 0; rings < 50 && world.runs.length === 0; rings++) {
      await readLane()
      pass(SECOND)
      await ring(job.id)
    }
    expect(world.runs).toHaveLength(1)
    const logged = world.logs
      .map((line) => JSON.parse(line))
      .filter(({ at }) => String(at).startsWith('lane_'))
    expect(logged).toMatchObject([
      { at: 'lane_paused', lane: 'default', reason: 'Planned maintenance.' },
      { at: 'lane_resumed', lane: 'default', reason: 'It is over.' },
    ])
  })

  it('have their waiting jobs found in the list, by endpoint and project, until they end', async () => {
    await act('pause', 'Planned maintenance.')
    const project = freshProject()
    const { id } = (await createJob({ project_id: project })).job
    const { id: other } = (await createJob({ project_id: project })).job
    await ring(id)
    pass(20 * SECOND)
    await ring(id)
    const found = async (query: string) => {
      const { jobs } = await bodyOf<JobPage>(await api(`/api/jobs?project_id=${project}&${query}`))
      const triaged = await api(`/api/admin/jobs?tab=all&project_id=${project}&${query}`)
      expect((await bodyOf<JobPage>(triaged)).jobs.map((job) => job.id)).toEqual(jobs.map((job) => job.id))
      return jobs.map((job) => job.id)
    }
    const lane = { name: 'default', waiting: 1, breaker: 'closed', paused: true, taken: 0, free: null }
    const { lanes }: Statistics = await bodyOf(await api('/api/admin/stats'))
    expect(lanes).toContainEqual({ ...lane, oldest_waiting_seconds: 20 })
    const metrics = await (await api('/api/admin/metrics')).text()
    expect(metrics).toContain('exportal_lane_waiting{lane="default"} 1\n')
    expect(metrics).toContain('exportal_lane_oldest_waiting_seconds{lane="default"} 20\n')
    expect(await found('waiting=true')).toEqual([id])
    expect(await found('waiting')).toEqual([id])
    expect(await found('waiting=true&endpoint=default')).toEqual([id])
    expect(await found('waiting=true&endpoint=h100')).toEqual([])
    const queued = await api(`/api/jobs?project_id=${project}&waiting=true&status=queued`)
    expect(await bodyOf(queued)).toMatchObject({ jobs: [] })
    expect(await found('waiting=false')).toEqual([other])
    const cancel = (waiting: boolean) =>
      post('/api/admin/jobs/actions', {
        action: 'cancel',
        reason: 'It waits too long.',
        filter: { waiting, project_id: project },
        dry_run: true,
      }).then(bodyOf<BulkDone>)
    expect([(await cancel(true)).left, (await cancel(false)).left]).toEqual([1, 1])
    await post(`/api/jobs/${id}/cancel`, {})
    await ring(id)
    expect(await found('waiting=true')).toEqual([])
    await act('resume', 'It is over.')
  })

  it('are not made by asking for a name', async () => {
    await problemOf(await act('pause', 'None.', 'nonsense'), 404, 'lane_not_found')
    expect(await readLane('nonsense')).toBeUndefined()
  })

  it.each([
    [{ action: 'pause' }, '/reason'],
    [{ action: 'stop', reason: 'x' }, '/action'],
    [{ action: 'pause', reason: '' }, '/reason'],
  ])('refuse %j', async (body, pointer) => {
    const problem = await problemOf(await post('/api/admin/lanes/default/actions', body), 400)
    expect(problem.errors?.[0]?.pointer).toBe(pointer)
  })
})
