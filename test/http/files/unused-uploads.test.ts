/** The objects that the sweep removes from the bucket, and the evidence it requires. */
import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'
import { WITNESS_KEY } from '../../../src/d1/list-trust.ts'
import { SWEEP_LIMITS, sweep } from '../../../src/d1/sweep.ts'
import { actor, aRequest, FakeRunpod } from '../../support/workerd/actors.ts'
import { MINUTE, useFarFutureClock } from '../../support/workerd/clock.ts'
import { birthRow } from '../../support/workerd/rows.ts'

useFarFutureClock()

const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

async function upload(name: string, project: string | null = '1'): Promise<string> {
  const key = `input/${crypto.randomUUID()}/${name}`
  await env.VIDEOS.put(key, 'x', project === null ? {} : { customMetadata: { project } })
  return key
}

/** One run of the cron. */
async function run(limits = SWEEP_LIMITS): Promise<{ removed: number; kept: number }> {
  const { removed = 0, kept = 0 } = await sweep(env, clock, limits)
  return { removed, kept }
}

/** A time in which the cron ran every five minutes without work: only its last run is performed. */
async function pass(ms: number): Promise<void> {
  clock += ms
  const at = clock - 5 * MINUTE
  await env.DB.prepare("UPDATE export_jobs SET mirrored_at = ? WHERE id = 'sweep'").bind(at).run()
  await env.VIDEOS.put(WITNESS_KEY, '', { customMetadata: { at: String(at) } })
}

const isThere = async (key: string) => (await env.VIDEOS.head(key)) !== null

/** Long enough for both grace periods. */
async function fortnight(): Promise<{ removed: number; kept: number }> {
  await pass(8 * DAY)
  await run()
  await pass(8 * DAY)
  return run()
}

/** The time of the next run. Objects have dates of the real clock, so this one starts there. */
let clock = 0

beforeEach(async () => {
  new FakeRunpod().install()
  const { objects } = await env.VIDEOS.list()
  await env.VIDEOS.delete(objects.map(({ key }) => key))
  await env.DB.prepare('DELETE FROM unused_uploads').run()
  clock = (await env.VIDEOS.put('now', ''))?.uploaded.getTime() ?? 0
  await env.DB.prepare("UPDATE export_jobs SET created_at = ?, mirrored_at = 0 WHERE id = 'sweep'")
    .bind(clock - DAY)
    .run()
})

describe('An upload of this service that no job names', () => {
  it('is noted after a week, and removed after another', async () => {
    const unused = await upload('unused.mp4')
    await pass(7 * DAY)
    expect(await run()).toEqual({ removed: 0, kept: 0 })
    await pass(HOUR)
    await run()
    await pass(7 * DAY)
    expect(await run()).toEqual({ removed: 0, kept: 0 })
    expect(await isThere(unused)).toBe(true)
    await pass(HOUR)
    expect(await run()).toEqual({ removed: 1, kept: 0 })
    expect(await isThere(unused)).toBe(false)
  })

  it('has the second grace anew when a job has used it meanwhile', async () => {
    const input = await upload('input.mp4')
    const id = crypto.randomUUID()
    await pass(8 * DAY)
    await run()
    await birthRow(id, input)
    await actor(id).stub.create(aRequest({ id, inputVideoKey: input }))
    await pass(HOUR)
    await run()
    await env.DB.prepare('DELETE FROM export_jobs WHERE id = ?').bind(id).run()
    await pass(HOUR)
    await run()
    await pass(7 * DAY)
    await run()
    expect(await isThere(input)).toBe(true)
    await pass(HOUR)
    await run()
    expect(await isThere(input)).toBe(false)
  })

  it('stays while a job uses it as its input or as an asset', async () => {
    const [input, asset, left] = [await upload('in.mp4'), await upload('logo.png'), await upload('left.png')]
    const id = crypto.randomUUID()
    await birthRow(id, input)
    await actor(id).stub.create(aRequest({ id, inputVideoKey: input, assets: [asset] }))
    const names = env.DB.prepare('INSERT INTO export_job_assets VALUES (?, ?)')
    await env.DB.batch([names.bind(asset, id), names.bind(left, 'a job that is no more')])
    await fortnight()
    expect(await Promise.all([input, asset, left].map(isThere))).toEqual([true, true, false])
    const { results } = await env.DB.prepare('SELECT job_id FROM export_job_assets WHERE asset_key = ?')
      .bind(left)
      .all()
    expect(results).toEqual([])
  })

  it('is nobody’s when only a deleted job names it', async () => {
    const input = await upload('in.mp4')
    const id = crypto.randomUUID()
    await birthRow(id, input)
    await env.DB.prepare("UPDATE export_jobs SET status = 'deleting' WHERE id = ?").bind(id).run()
    await fortnight()
    expect(await isThere(input)).toBe(false)
  })

  it('is gone over bit by bit, from run to run', async () => {
    await Promise.all([upload('1.mp4'), upload('2.mp4'), upload('3.mp4')])
    const limits = { ...SWEEP_LIMITS, objects: 2 }
    await pass(8 * DAY)
    await run(limits)
    await run(limits)
    await pass(8 * DAY)
    expect([(await run(limits)).removed, (await run(limits)).removed]).toEqual([2, 1])
  })
})

describe('Nothing is removed', () => {
  it('that the deployment put there by hand, without the mark of a project', async () => {
    const stock = await upload('outro.mp4', null)
    await fortnight()
    expect(await isThere(stock)).toBe(true)
  })

  it('that is older than the list: it is counted', async () => {
    const old = await upload('old.mp4')
    await env.DB.prepare("UPDATE export_jobs SET created_at = ? WHERE id = 'sweep'")
      .bind(clock + HOUR)
      .run()
    expect(await fortnight()).toEqual({ removed: 0, kept: 1 })
    expect(await isThere(old)).toBe(true)
  })

  it('of what a list knew that was wiped', async () => {
    const old = await upload('old.mp4')
    await pass(8 * DAY)
    await run()
    await env.DB.prepare('DELETE FROM export_jobs').run()
    await run()
    expect(await fortnight()).toEqual({ removed: 0, kept: 1 })
    expect(await isThere(old)).toBe(true)
  })

  it('of what a list knew that was set back, however shortly', async () => {
    const old = await upload('old.mp4')
    await pass(8 * DAY)
    await run()
    const backup = clock
    await pass(30 * MINUTE)
    await run()
    await env.DB.prepare("UPDATE export_jobs SET mirrored_at = ? WHERE id = 'sweep'").bind(backup).run()
    await run()
    expect((await env.DB.prepare('SELECT * FROM unused_uploads').all()).results).toEqual([])
    expect(await fortnight()).toEqual({ removed: 0, kept: 1 })
    expect(await isThere(old)).toBe(true)
  })

  it('by notes that are older than a silence of more than an hour', async () => {
    const unused = await upload('unused.mp4')
    await pass(8 * DAY)
    await run()
    clock += 8 * DAY
    await run()
    expect(await isThere(unused)).toBe(true)
    await pass(8 * DAY)
    await run()
    expect(await isThere(unused)).toBe(false)
  })
})
