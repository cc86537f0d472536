import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { SWEEP_LIMITS, sweep } from '../../../src/d1/sweep.ts'
import type { Env } from '../../../src/env.ts'
import { bindings } from '../../support/workerd/http.ts'
import { birthRow } from '../../support/workerd/rows.ts'

const DAY = 24 * 60 * 60_000
const NOW = Date.UTC(2030, 0, 1)

interface Age {
  readonly days: number
  readonly archived?: number
  readonly dueAt?: number | null
}

/** A job that ended this many days ago. */
async function ended(id: string, { days, archived = 1, dueAt = null }: Age): Promise<void> {
  await birthRow(id)
  await env.DB.prepare(
    `UPDATE export_jobs SET status = 'complete', params = '{"items":[]}', metadata = '{"order":1}', finished_at = ?1,
       archived = ?2, due_at = ?3 WHERE id = ?4`,
  )
    .bind(NOW - days * DAY, archived, dueAt, id)
    .run()
}

async function rows(): Promise<Record<string, string>> {
  const { results } = await env.DB.prepare(
    "SELECT id, params, metadata FROM export_jobs WHERE id <> 'sweep'",
  ).all<{
    id: string
    params: string
    metadata: string
  }>()
  return Object.fromEntries(results.map(({ id, params, metadata }) => [id, params + metadata]))
}

const WHOLE = '{"items":[]}{"order":1}'
const TRIMMED = '{}{}'

describe('The row of a retired job', () => {
  beforeEach(async () => {
    await env.DB.prepare("DELETE FROM export_jobs WHERE id <> 'sweep'").run()
    await env.DB.prepare('DELETE FROM sweep_cursors').run()
  })

  it('loses its params and metadata after 30 days, and goes after a year', async () => {
    await ended('recent', { days: 29 })
    await ended('old', { days: 31 })
    await ended('oldest', { days: 366 })
    expect(await sweep(env, NOW)).toMatchObject({ trimmed: 1, dropped: 1, broken: [] })
    expect(await rows()).toEqual({ recent: WHOLE, old: TRIMMED })
    expect(await sweep(env, NOW)).toMatchObject({ trimmed: 0, dropped: 0 })
  })

  it('goes after as many days as the deployment says, but not before it has lost its params', async () => {
    await ended('a', { days: 40 })
    await ended('b', { days: 100 })
    expect(await sweep({ ...bindings(), ROW_RETENTION_DAYS: '90' }, NOW)).toMatchObject({ dropped: 1 })
    expect(Object.keys(await rows())).toEqual(['a'])
    expect(await sweep({ ...bindings(), ROW_RETENTION_DAYS: '1' }, NOW)).toMatchObject({ dropped: 1 })
    await ended('c', { days: 29 })
    await sweep({ ...bindings(), ROW_RETENTION_DAYS: '1' }, NOW)
    expect(Object.keys(await rows())).toEqual(['c'])
  })

  it('stays while its actor keeps the job, or has not emptied itself', async () => {
    await ended('kept', { days: 400, archived: 0 })
    await ended('due', { days: 400, dueAt: NOW })
    expect(await sweep(env, NOW)).toMatchObject({ trimmed: 0, dropped: 0 })
    expect(await rows()).toEqual({ kept: WHOLE, due: WHOLE })
  })

  it('has its turn however many others there are, also when it retired behind the walk', async () => {
    for (let i = 0; i < 5; i++) await ended(`job-${i}`, { days: 100 - i, archived: i === 0 ? 0 : 1 })
    const limits = { ...SWEEP_LIMITS, aged: 2 }
    const trimmed = []
    for (let run = 0; run < 3; run++) trimmed.push((await sweep(env, NOW, limits)).trimmed)
    expect(trimmed).toEqual([1, 2, 1])
    await env.DB.prepare("UPDATE export_jobs SET archived = 1 WHERE id = 'job-0'").run()
    expect(await sweep(env, NOW, limits)).toMatchObject({ trimmed: 1 })
    expect(new Set(Object.values(await rows()))).toEqual(new Set([TRIMMED]))
  })
})

describe('A part of the sweep that fails', () => {
  /** A D1 that refuses statements which contain the text. */
  function refusing(text: string): Env {
    const prepare = (sql: string) => {
      if (sql.includes(text)) throw new Error('D1_ERROR: no such thing')
      return env.DB.prepare(sql)
    }
    const batch: Env['DB']['batch'] = (statements) => env.DB.batch(statements)
    return { ...bindings(), DB: Object.assign(Object.create(env.DB), { prepare, batch }) }
  }

  function withoutList(): Env {
    const list = () => Promise.reject(new Error('list: unspecified error'))
    return {
      ...bindings(),
      VIDEOS: Object.assign(Object.create(env.VIDEOS), { list, head: () => null, put: () => null }),
    }
  }

  beforeEach(async () => {
    await env.DB.prepare("DELETE FROM export_jobs WHERE id <> 'sweep'").run()
    vi.spyOn(console, 'error').mockImplementation(() => {})
  })

  it.each([
    ['overdue_rows', () => refusing('due_at < ?1'), { removed: 0, dropped: 1 }],
    ['unused_uploads', () => withoutList(), { closed: 1, dropped: 1 }],
    ['aged_rows', () => refusing('DELETE FROM export_jobs WHERE id IN'), { closed: 1, removed: 0 }],
  ])('%s is named in the report, and the others go on', async (part, world, others) => {
    await birthRow('unborn')
    await env.DB.prepare("UPDATE export_jobs SET due_at = ? WHERE id = 'unborn'")
      .bind(NOW - DAY)
      .run()
    await ended('oldest', { days: 366 })
    expect(await sweep(world(), NOW)).toMatchObject({ ...others, broken: [part] })
  })
})

describe('The walk over the uploads', () => {
  it('goes on behind the last key, whatever R2 thinks of its own cursors', async () => {
    for (const name of ['a', 'b', 'c']) await env.VIDEOS.put(`input/walk/${name}.mp4`, 'x')
    const asked: (string | undefined)[] = []
    const list = (options: R2ListOptions) => {
      if (options.cursor !== undefined) throw new Error('list: the cursor is not valid (10022)')
      asked.push(options.startAfter)
      return env.VIDEOS.list(options)
    }
    const head = env.VIDEOS.head.bind(env.VIDEOS)
    const put = env.VIDEOS.put.bind(env.VIDEOS)
    const world = { ...bindings(), VIDEOS: Object.assign(Object.create(env.VIDEOS), { list, head, put }) }
    const limits = { ...SWEEP_LIMITS, objects: 2 }
    for (let run = 0; run < 3; run++) expect(await sweep(world, NOW, limits)).toMatchObject({ broken: [] })
    expect(asked).toEqual([undefined, 'input/walk/b.mp4', undefined])
  })
})
