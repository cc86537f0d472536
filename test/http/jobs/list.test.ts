import { describe, expect, it, vi } from 'vitest'
import {
  api,
  bodyOf,
  createJob,
  freshProject,
  post,
  problemOf,
  ring,
  useHttpWorld,
} from '../../support/workerd/http.ts'

useHttpWorld()

interface List {
  jobs: { id: string; status: string; type: string; created_at: string; project_id: number }[]
  next_cursor: string | null
}

const list = async (query: string) => bodyOf<List>(await api(`/api/jobs?${query}`))

async function jobsOf(project_id: number, count: number, apartMs = 1000): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) {
    ids.unshift(
      (await createJob({ project_id, type: i % 2 ? 'trim' : 'overlay', params: paramsOf(i) })).job_id,
    )
    vi.setSystemTime(Date.now() + apartMs)
  }
  return ids
}

const paramsOf = (i: number) => (i % 2 ? { end_seconds: 5 } : {})

describe('GET /api/jobs', () => {
  it('shows the newest first, and pages without gap or repeat', async () => {
    const project = freshProject()
    const ids = await jobsOf(project, 7)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const more: string = cursor === null ? '' : `&cursor=${cursor}`
      const page = await list(`project_id=${project}&limit=3${more}`)
      expect(page.jobs.length).toBeLessThanOrEqual(3)
      seen.push(...page.jobs.map(({ id }) => id))
      cursor = page.next_cursor
    } while (cursor !== null)
    expect(seen).toEqual(ids)
  })

  it('finds by the name that a job was given, and by that of its video, in whatever case', async () => {
    const project = freshProject()
    const { job_id: named } = await createJob({
      project_id: project,
      metadata: { name: 'Summer Reel % Été' },
    })
    const { job_id: other } = await createJob({ project_id: project })
    const found = async (name: string) =>
      (await list(`project_id=${project}&name=${encodeURIComponent(name)}`)).jobs.map(({ id }) => id)
    expect(await found('summer reel')).toEqual([named])
    expect(await found('Été')).toEqual([named])
    // Not a pattern: wildcard characters match themselves.
    expect(await found('%')).toEqual([named])
    expect(await found('CLIP.MP4')).toEqual([other, named])
    expect(await found('nothing like it')).toEqual([])
  })

  it('finds a name in any script and in either form of its accents', async () => {
    const project = freshProject()
    const named = async (name: string) =>
      (await createJob({ project_id: project, metadata: { name } })).job_id
    const film = await named('ФИЛЬМ о Байкале')
    const mac = await named('École d’ÉTÉ'.normalize('NFD'))
    const street = await named('Straße, ΑΘΉΝΑ')
    const query = (name: string) => `project_id=${project}&name=${encodeURIComponent(name)}`
    const found = async (name: string) => (await list(query(name))).jobs.map(({ id }) => id)
    expect(await found('фильм О БАЙКАЛЕ')).toEqual([film])
    expect(await found('байкале'.normalize('NFD'))).toEqual([film])
    expect(await found('éCOLE D’été')).toEqual([mac])
    expect(await found('É'.normalize('NFD'))).toEqual([mac])
    expect(await found('straße, Αθήνα')).toEqual([street])
    expect(await found('фильмы')).toEqual([])
    // Beside all other filters, more letters than are folded exceed no limit of D1.
    const letters = 'абвгдежзиклмнопрстуфхцчшщэюяαβγδεζηθικλμνξοπρσ'
    const all =
      'status=complete&status=error&status=cancelled&status=pending&status=queued&type=trim&tag=a&error_code=e&endpoint=default'
    const dates = 'created_after=2020-01-01T00:00:00Z&created_before=2030-01-01T00:00:00Z'
    expect((await list(`${query(letters)}&${all}&${dates}`)).jobs).toEqual([])
  })

  it('answers 304 for as long as the page is the same', async () => {
    const project = freshProject()
    await createJob({ project_id: project })
    const path = `/api/jobs?project_id=${project}`
    const etag = (await api(path)).headers.get('ETag') ?? ''
    const again = await api(path, { headers: { 'If-None-Match': etag } })
    expect(again.status).toBe(304)
    expect(await again.text()).toBe('')
    await createJob({ project_id: project })
    const changed = await api(path, { headers: { 'If-None-Match': etag } })
    expect(changed.status).toBe(200)
    expect((await bodyOf<List>(changed)).jobs).toHaveLength(2)
  })

  it('pages through jobs of the same millisecond', async () => {
    const project = freshProject()
    const ids = await jobsOf(project, 5, 0)
    const first = await list(`project_id=${project}&limit=2`)
    const second = await list(`project_id=${project}&limit=2&cursor=${first.next_cursor}`)
    const third = await list(`project_id=${project}&limit=2&cursor=${second.next_cursor}`)
    const seen = [...first.jobs, ...second.jobs, ...third.jobs].map(({ id }) => id)
    expect(new Set(seen)).toEqual(new Set(ids))
    expect(seen).toHaveLength(5)
    expect(third.next_cursor).toBeNull()
  })

  it('does not move the page when newer jobs arrive in between', async () => {
    const project = freshProject()
    const ids = await jobsOf(project, 4)
    const first = await list(`project_id=${project}&limit=2`)
    await jobsOf(project, 3)
    const second = await list(`project_id=${project}&limit=2&cursor=${first.next_cursor}`)
    expect(second.jobs.map(({ id }) => id)).toEqual(ids.slice(2))
  })

  it('filters by project, status and type together', async () => {
    const project = freshProject()
    const ids = await jobsOf(project, 4)
    await post(`/api/jobs/${ids[0]}/cancel`, {})
    expect((await list(`project_id=${project}&type=trim`)).jobs.map(({ id }) => id)).toEqual([ids[0], ids[2]])
    expect((await list(`project_id=${project}&status=pending&type=trim`)).jobs).not.toEqual([])
    expect((await list(`project_id=${project}&status=complete`)).jobs).toEqual([])
    expect((await list(`project_id=${freshProject()}`)).jobs).toEqual([])
  })

  it('takes several statuses, in any order, and pages through them together', async () => {
    const project = freshProject()
    const ids = await jobsOf(project, 6)
    for (const id of [ids[1], ids[4]]) await post(`/api/jobs/${id}/cancel`, {})
    for (const id of [ids[1], ids[4]]) if (id) await ring(id)
    const ended = await list(`project_id=${project}&status=cancelled&status=error`)
    expect(ended.jobs.map(({ id }) => id)).toEqual([ids[1], ids[4]])
    const first = await list(`project_id=${project}&status=pending&status=cancelled&limit=4`)
    const rest = await list(
      `project_id=${project}&status=cancelled&status=pending&status=pending&limit=4&cursor=${first.next_cursor}`,
    )
    expect([...first.jobs, ...rest.jobs].map(({ id }) => id)).toEqual(ids)
  })

  it('filters by tag: the whole of it, and nothing that is only like it', async () => {
    const project = freshProject()
    const tagged = await createJob({ project_id: project, tags: ['spring', 'a"b'] })
    await createJob({ project_id: project, tags: ['springtime'] })
    for (const tag of ['spring', 'a"b']) {
      const found = await list(`project_id=${project}&tag=${encodeURIComponent(tag)}`)
      expect(found.jobs.map(({ id }) => id)).toEqual([tagged.job_id])
    }
    expect((await list(`project_id=${project}&tag=%25`)).jobs).toEqual([])
  })

  it('filters by birth, with both ends left out', async () => {
    const project = freshProject()
    const ids = await jobsOf(project, 5)
    const all = (await list(`project_id=${project}`)).jobs
    const [newest, , , , oldest] = all.map(({ created_at }) => created_at)
    const between = await list(`project_id=${project}&created_after=${oldest}&created_before=${newest}`)
    expect(between.jobs.map(({ id }) => id)).toEqual(ids.slice(1, 4))
    const first = await list(`project_id=${project}&created_before=${newest}&limit=2`)
    const rest = await list(
      `project_id=${project}&created_before=${newest}&limit=2&cursor=${first.next_cursor}`,
    )
    expect([...first.jobs, ...rest.jobs].map(({ id }) => id)).toEqual(ids.slice(1))
    const elsewhere = await list(`project_id=${project}&created_after=2100-01-01T02:00:00%2B02:00`)
    expect(elsewhere.jobs.length).toBeLessThanOrEqual(all.length)
  })

  it('has 20 on a page unless asked, and lowers a limit above 100 to 100', async () => {
    const project = freshProject()
    await Promise.all(Array.from({ length: 21 }, () => createJob({ project_id: project })))
    expect((await list(`project_id=${project}`)).jobs).toHaveLength(20)
    expect((await list(`project_id=${project}&limit=100000`)).jobs).toHaveLength(21)
  })

  it('gives no cursor when the last page is exactly full', async () => {
    const project = freshProject()
    await jobsOf(project, 2)
    expect((await list(`project_id=${project}&limit=2`)).next_cursor).toBeNull()
  })

  it('shows a job as its view does, as far as the row knows it', async () => {
    const project = freshProject()
    const { job } = await createJob({ project_id: project, metadata: { a: 1 }, tags: ['t'] })
    const row = (await list(`project_id=${project}`)).jobs[0]
    const { id, params, metadata, tags, status, urls, max_attempts, round, created_at } = job
    expect(row).toMatchObject({ id, params, metadata, tags, status, urls, max_attempts, round, created_at })
    for (const name of Object.keys(row ?? {})) if (name !== 'archived') expect(job).toHaveProperty(name)
  })

  it('answers HEAD without a body', async () => {
    const response = await api('/api/jobs', { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })
})

describe('refused', () => {
  it('says how a + is written in a query', async () => {
    const problem = await problemOf(await api('/api/jobs?created_after=2100-01-03T00:00:00+05:00'), 400)
    expect(problem.detail).toContain('%2B')
  })

  it.each([
    ['limit=-1', 'limit'],
    ['limit=0', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=abc', 'limit'],
    ['limit=', 'limit'],
    ['limit=1e2', 'limit'],
    ['limit=%2B5', 'limit'],
    ['limit=99999999999999999999', 'limit'],
    ['project_id=0', 'project_id'],
    ['project_id=-3', 'project_id'],
    ['project_id=one', 'project_id'],
    ['project_id=1%27%20OR%201=1', 'project_id'],
    ['status=done', 'status/0'],
    ['status=toString', 'status/0'],
    ['status=', 'status/0'],
    ['status=pending&status=done', 'status/1'],
    ['type=unknown', 'type'],
    ['type=trim&type=crop', 'type'],
    ['tag=', 'tag'],
    ['created_after=yesterday', 'created_after'],
    ['created_before=2100-13-01T00:00:00Z', 'created_before'],
    ['created_before=2100-02-30T00:00:00Z', 'created_before'],
    ['created_after=2100-01-03T00:00:00%2B05', 'created_after'],
    ['created_after=2100-01-03T24:00:00Z', 'created_after'],
    ['type=__proto__', 'type'],
    ['cursor=', 'cursor'],
    ['cursor=abc', 'cursor'],
    ['cursor=%00', 'cursor'],
    [`cursor=${btoa('[1,2,3]')}`, 'cursor'],
    [`cursor=${btoa('{"a":1}')}`, 'cursor'],
    [`cursor=${btoa('[1e999,"x","[null,null,null]"]')}`, 'cursor'],
    [`cursor=${'A'.repeat(5000)}`, 'cursor'],
  ])('?%s names its field', async (query, field) => {
    const problem = await problemOf(await api(`/api/jobs?${query}`), 400, 'validation_failed')
    expect(problem.errors?.map(({ pointer }) => pointer)).toContain(`/query/${field}`)
  })

  it('names every wrong field at once', async () => {
    const problem = await problemOf(await api('/api/jobs?limit=0&status=x&type=y&project_id=z'), 400)
    expect(problem.errors).toHaveLength(4)
  })

  it('a cursor of other filters', async () => {
    const project = freshProject()
    await jobsOf(project, 3)
    const { next_cursor } = await list(`project_id=${project}&limit=1`)
    const moved = await api(`/api/jobs?project_id=${project}&type=trim&limit=1&cursor=${next_cursor}`)
    const problem = await problemOf(moved, 400, 'validation_failed')
    expect(problem.errors?.[0]).toMatchObject({
      pointer: '/query/cursor',
      detail: expect.stringContaining('filters'),
    })
  })
})
