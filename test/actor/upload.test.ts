/** The actor of one upload: its records, its expiry, and that nothing remains of it. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { UploadRequest } from '../../actors/upload/rules.ts'
import { MINUTE, pass, T0, useFarFutureClock } from '../support/workerd/clock.ts'

useFarFutureClock()
afterEach(() => {
  vi.restoreAllMocks()
})

const HOUR = 60 * MINUTE
const MIB = 1024 ** 2

async function anUpload(over: Partial<UploadRequest> = {}) {
  const key = `input/${crypto.randomUUID()}/clip.mp4`
  const { uploadId } = await env.VIDEOS.createMultipartUpload(key)
  const stub = env.UPLOAD.getByName(key)
  const request: UploadRequest = {
    key,
    uploadId,
    projectId: 1,
    jobId: null,
    contentType: 'video/mp4',
    sizeBytes: null,
    mostBytes: 20 * MIB,
    ...over,
  }
  await stub.open(request)
  const access = { uploadId, projectId: 1 }
  return {
    key,
    stub,
    request,
    access,
    uploadId,
    ring: () => runDurableObjectAlarm(stub),
    alarmAt: () => runInDurableObject(stub, (_instance, state) => state.storage.getAlarm()),
    tables: () =>
      runInDurableObject(
        stub,
        (_instance, state) =>
          state.storage.sql
            .exec(
              "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
            )
            .toArray().length,
      ),
  }
}

const part = (number: number, size = 5 * MIB) => ({ number, size, etag: `e${number}`, md5: `m${number}` })

describe('An upload', () => {
  it('remembers its parts through an eviction', async () => {
    const { stub, access, uploadId } = await anUpload()
    await stub.partStored(uploadId, part(2, 3))
    await stub.partStored(uploadId, part(1))
    await evictDurableObject(stub)
    expect(await stub.view(access)).toMatchObject({ ok: true, parts: [part(1), part(2, 3)] })
  })

  it('takes a part sent again in place of the earlier one', async () => {
    const { stub, access, uploadId } = await anUpload()
    await stub.partStored(uploadId, part(1))
    await stub.partStored(uploadId, { number: 1, size: 4, etag: 'again', md5: null })
    expect(await stub.view(access)).toMatchObject({ parts: [{ number: 1, size: 4, etag: 'again' }] })
    expect(await stub.admit(uploadId, 2, 20 * MIB)).toMatchObject({ code: 'upload_too_large' })
    expect(await stub.admit(uploadId, 1, 20 * MIB)).toEqual({ ok: true })
  })

  it('takes no more than was announced, though it forgets in memory which parts are under way', async () => {
    const { stub, uploadId } = await anUpload({ sizeBytes: 10 * MIB })
    const admitted = []
    for (const number of [1, 2, 3]) {
      admitted.push((await stub.admit(uploadId, number, 8 * MIB)).ok)
      await evictDurableObject(stub)
    }
    expect(admitted).toEqual([true, false, false])
  })

  it('of the version before knows no checksums, and learns those that come', async () => {
    const { stub, access, uploadId } = await anUpload()
    await runInDurableObject(stub, (_instance, { storage }) => {
      storage.sql.exec('DROP TABLE parts')
      storage.sql.exec(
        'CREATE TABLE parts (number INTEGER PRIMARY KEY, etag TEXT NOT NULL, size INTEGER NOT NULL)',
      )
      storage.sql.exec("INSERT INTO parts VALUES (1, 'e1', 7)")
    })
    await evictDurableObject(stub)
    await stub.partStored(uploadId, part(2, 3))
    expect(await stub.view(access)).toMatchObject({
      parts: [{ number: 1, etag: 'e1', size: 7, md5: null }, part(2, 3)],
    })
  })

  it('forgets its parts when the file is made anew in another size, and only then', async () => {
    const { stub, access, uploadId } = await anUpload()
    expect(await stub.current({ sizeBytes: 9 * MIB, partBytes: 8 * MIB })).toMatchObject({
      partBytes: 8 * MIB,
    })
    await stub.partStored(uploadId, part(1, 8 * MIB))
    for (const sizeBytes of [null, 9 * MIB]) {
      await stub.current({ sizeBytes, partBytes: 5 * MIB })
      expect(await stub.view(access)).toMatchObject({ parts: [part(1, 8 * MIB)] })
    }
    expect(await stub.admit(uploadId, 2, 2 * MIB)).toMatchObject({ code: 'upload_too_large' })
    await stub.current({ sizeBytes: 10 * MIB, partBytes: 8 * MIB })
    await evictDurableObject(stub)
    expect(await stub.view(access)).toMatchObject({ parts: [] })
    expect(await stub.touch(access, 2)).toEqual({ ok: true, plannedBytes: 2 * MIB })
  })

  it('is opened once: a second begin is answered with the first', async () => {
    const { stub, request, uploadId } = await anUpload()
    expect(await stub.open({ ...request, uploadId: 'other' })).toEqual({ ok: true, uploadId })
  })

  it('is nobody else’s: not of another project, not under another id', async () => {
    const { stub, access, uploadId } = await anUpload()
    for (const other of [
      { uploadId, projectId: 2 },
      { uploadId, projectId: null },
      { uploadId: `${uploadId}x`, projectId: 1 },
    ]) {
      expect(await stub.view(other)).toMatchObject({ code: 'upload_not_found' })
      expect(await stub.touch(other)).toMatchObject({ code: 'upload_not_found' })
      expect(await stub.checkParts(other, [{ number: 1, etag: 'e1' }], null)).toMatchObject({ ok: false })
      expect(await stub.abort(other)).toMatchObject({ code: 'upload_not_found' })
    }
    expect(await stub.admit('other', 1, 5)).toMatchObject({ code: 'upload_not_found' })
    await stub.partStored('other', part(1))
    expect(await stub.view(access)).toMatchObject({ ok: true, parts: [] })
  })

  it('that was never opened writes nothing, whatever it is asked', async () => {
    const stub = env.UPLOAD.getByName(`input/${crypto.randomUUID()}/none.mp4`)
    const access = { uploadId: 'u', projectId: 1 }
    await stub.current()
    await stub.view(access)
    await stub.touch(access)
    await stub.admit('u', 1, 5)
    await stub.partStored('u', part(1))
    await stub.checkParts(access, [], null)
    await stub.completed('u', { size: 1, etag: 'x' })
    await stub.abort(access)
    await stub.abandon()
    await runInDurableObject(stub, async (_instance, state) => {
      expect((await state.storage.list()).size).toBe(0)
      expect(await state.storage.getAlarm()).toBeNull()
      const tables = "SELECT name FROM sqlite_master WHERE name IN ('upload', 'parts')"
      expect(state.storage.sql.exec(tables).toArray()).toEqual([])
    })
  })
})

describe('The alarm', () => {
  it('gives up what nobody touched for a day, tells R2, and leaves nothing', async () => {
    const upload = await anUpload()
    expect(await upload.alarmAt()).toBe(T0 + 24 * HOUR)
    pass(24 * HOUR)
    await upload.ring()
    expect([await upload.tables(), await upload.alarmAt()]).toEqual([0, null])
    const dropped = env.VIDEOS.resumeMultipartUpload(upload.key, upload.uploadId)
    await expect(dropped.uploadPart(1, 'x')).rejects.toThrow(/10024/)
  })

  it('leaves an upload alone that showed a sign of life', async () => {
    const upload = await anUpload()
    pass(20 * HOUR)
    expect(await upload.stub.touch(upload.access)).toEqual({ ok: true })
    pass(4 * HOUR)
    await upload.ring()
    expect(await upload.alarmAt()).toBe(T0 + 44 * HOUR)
    expect(await upload.stub.view(upload.access)).toMatchObject({ ok: true })
  })

  it('aborts at once when asked, and the key can be used again', async () => {
    const upload = await anUpload()
    expect(await upload.stub.abort(upload.access)).toEqual({ ok: true })
    expect(await upload.stub.view(upload.access)).toMatchObject({ code: 'upload_not_found' })
    expect(await upload.stub.open(upload.request)).toMatchObject({ code: 'upload_ending' })
    await upload.ring()
    expect(await upload.tables()).toBe(0)
    expect(await upload.stub.open({ ...upload.request, uploadId: 'next' })).toMatchObject({ ok: true })
  })

  it('forgets a complete upload after a day; aborting it changes nothing before', async () => {
    const upload = await anUpload()
    await upload.stub.completed(upload.uploadId, { size: 3, etag: '"x-1"' })
    expect(await upload.stub.abort(upload.access)).toEqual({ ok: true })
    await upload.stub.abandon()
    expect(await upload.stub.checkParts(upload.access, [], null)).toMatchObject({
      done: { size: 3, etag: '"x-1"' },
    })
    expect(await upload.alarmAt()).toBe(T0 + 24 * HOUR)
    pass(24 * HOUR)
    await upload.ring()
    expect(await upload.tables()).toBe(0)
  })

  it('tries again while R2 fails, and never throws', async () => {
    const upload = await anUpload()
    await upload.stub.abort(upload.access)
    await runInDurableObject(upload.stub, (instance) => {
      const broken = {
        ...env,
        VIDEOS: {
          resumeMultipartUpload: () => ({
            abort: async () => {
              throw new Error('internal error (10001)')
            },
          }),
        },
      }
      Object.assign(instance, { env: broken })
    })
    await upload.ring()
    expect(await upload.alarmAt()).toBe(T0 + MINUTE)
    pass(MINUTE)
    await upload.ring()
    expect(await upload.alarmAt()).toBe(T0 + 3 * MINUTE)
    await evictDurableObject(upload.stub)
    pass(2 * MINUTE)
    await upload.ring()
    expect(await upload.tables()).toBe(0)
  })

  it('is set again when it was lost', async () => {
    const upload = await anUpload()
    await runInDurableObject(upload.stub, (_instance, state) => state.storage.deleteAlarm())
    await evictDurableObject(upload.stub)
    await upload.stub.view(upload.access)
    expect(await upload.alarmAt()).toBe(T0 + 24 * HOUR)
  })
})
