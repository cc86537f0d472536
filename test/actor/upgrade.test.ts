/** Storage of an earlier version is read, upgraded and continued; storage of a later one is not touched. */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { JobStore } from '../../actors/export-job/store.ts'
import { SCHEMA } from '../../actors/export-job/store-schema.ts'
import { type ActorHandle, aCreatedJob, actor, FakeRunpod } from '../support/workerd/actors.ts'
import { pass, SECOND, useFarFutureClock } from '../support/workerd/clock.ts'
import { dump, restore, type Stored } from '../support/workerd/stored.ts'

useFarFutureClock()

const STORED = Object.entries(import.meta.glob<Stored>('./stored/*.json', { eager: true, import: 'default' }))
const ENDED = ['complete', 'error', 'cancelled']

/** An actor that sleeps with the storage `stored`. */
async function asleep(stored: Stored): Promise<ActorHandle> {
  vi.setSystemTime(stored.savedAt + SECOND)
  await env.VIDEOS.put(`input/${stored.id}/clip.mp4`, 'video', { customMetadata: { project: '1' } })
  const handle = actor(crypto.randomUUID())
  await restore(handle, stored)
  return handle
}

/** From alarm to alarm, at most as often as any job may need. */
async function untilEnded(job: ActorHandle): Promise<string> {
  for (let rings = 0; rings < 400; rings++) {
    const { status } = await job.job()
    if (ENDED.includes(status)) return status
    const at = await job.alarmAt()
    if (at === null) return `${status}, and nothing will ring`
    pass(Math.max(0, at - Date.now()))
    await job.ring()
  }
  return 'still under way'
}

function schemaOf(job: ActorHandle): Promise<number> {
  return runInDurableObject(job.stub, (_, { storage }) =>
    Number(storage.sql.exec('SELECT schema FROM job').one().schema),
  )
}

describe('Storage of an earlier version', () => {
  it('is kept for every version there was', () => {
    const versions = STORED.map(([, stored]) => stored.schema)
    for (let schema = 1; schema <= SCHEMA; schema++) expect(versions).toContain(schema)
  })

  it.each(STORED)('%s is read and carried on to an end', async (_, stored) => {
    new FakeRunpod().install()
    const job = await asleep(stored)
    expect(await job.job()).toMatchObject({ id: stored.id, status: stored.status })
    expect(await schemaOf(job)).toBe(SCHEMA)
    const before = await job.events()
    expect(ENDED).toContain(await untilEnded(job))
    expect((await job.events()).slice(0, before.length)).toEqual(before)
  })
})

it('The tables of a new actor are those that the migrations make', async () => {
  const tablesOf = (job: ActorHandle) =>
    runInDurableObject(job.stub, (_, { storage }) =>
      storage.sql
        .exec("SELECT sql FROM sqlite_master WHERE name IN ('job', 'events') ORDER BY name")
        .toArray(),
    )
  const made = await tablesOf(await aCreatedJob())
  for (const [, stored] of STORED) expect(await tablesOf(await asleep(stored))).toEqual(made)
})

it('The input of a job that an earlier version dispatched was found by it, and has its address', async () => {
  new FakeRunpod().install()
  const shown = STORED.map(async ([, stored]) => {
    const job = await asleep(stored)
    const { input_url, attempt } = await job.job()
    return [stored.status, attempt > 0, input_url !== null]
  })
  for (const [status, dispatched, linked] of await Promise.all(shown))
    expect([status, linked]).toEqual([status, dispatched])
})

it('A webhook that an earlier version owed is delivered', async () => {
  const runpod = new FakeRunpod().install()
  runpod.answers.set('/exports', () => new Response())
  for (const [, stored] of STORED.filter(([path]) => path.endsWith('-webhook.json'))) {
    const job = await asleep(stored)
    pass(10 * 60 * SECOND)
    await job.ring()
    expect((await job.events()).at(-1)).toMatchObject({ type: 'webhook_delivered', data: { tries: 3 } })
  }
  const said = runpod.calls.filter(({ path }) => path === '/exports').map(({ body }) => body.type)
  expect(said).toEqual(['job.complete', 'job.complete'])
})

describe('Storage of a later version', () => {
  it('is refused untouched, and is good again when its code is back', async () => {
    const [, stored] = STORED.find(([, { schema }]) => schema === SCHEMA) ?? []
    if (!stored) throw new Error('There is no stored job to try it with.')
    const job = await asleep(stored)
    await runInDurableObject(job.stub, (_, { storage }) => {
      const all = () => storage.sql.exec('SELECT * FROM job').toArray()
      storage.sql.exec('UPDATE job SET schema = ?', SCHEMA + 1)
      const before = all()
      expect(() => new JobStore(storage).load()).toThrow(`Storage has schema ${SCHEMA + 1}`)
      expect(all()).toEqual(before)
      storage.sql.exec('UPDATE job SET schema = ?', SCHEMA)
      expect(new JobStore(storage).load()?.request.id).toBe(stored.id)
    })
  })
})

it('What a new job stores is what the newest kept version stored: entries are added, never edited', async () => {
  const newest = STORED.find(([, { schema }]) => schema === SCHEMA)?.[1]
  const fresh = await aCreatedJob()
  const tables = (all: Stored['tables'] | undefined) => all?.map(({ name, sql }) => [name, sql])
  expect(tables(await dump(fresh))).toEqual(tables(newest?.tables))
})
