/** Multipart uploads over HTTP, in the protocol between Uppy's aws-s3 6 and a companion. */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { HOUR, T0 } from '../../support/workerd/clock.ts'
import {
  api,
  apiWith,
  bodyOf,
  dispatchedJob,
  pathOf,
  post,
  problemOf,
  tablesOf,
  useHttpWorld,
} from '../../support/workerd/http.ts'
import {
  type Begun,
  begin,
  beginInProject,
  bytesOf,
  companionFor,
  jsonInit,
  type Listed,
  MIB,
  PART,
  PartsClient,
  planFor,
  putPart,
  smallPlan,
  withUpload,
} from '../../support/workerd/uploads.ts'

const world = useHttpWorld()

const DAY = 24 * HOUR
const LARGE = 200_000_000

describe('POST /api/videos/upload-url for a large file', () => {
  it('offers parts instead of one PUT', async () => {
    const plan = await planFor(LARGE, { project_id: 7 })
    expect(plan).toMatchObject({ upload_url: null, method: 'PUT', headers: {}, size_bytes: LARGE })
    expect(plan.multipart).toMatchObject({ part_size_bytes: 8 * MIB, part_count: 24 })
    expect(plan.multipart?.companion_url).toMatch(
      /^https:\/\/exportal\.test\/api\/uploads\/[\w-]+\.[\w-]{43}$/,
    )
    expect(Date.parse(plan.expires_at)).toBe(T0 + 7 * DAY)
  })

  it('keeps one PUT for what fits into it', async () => {
    expect((await planFor(95_000_000)).upload_url).not.toBeNull()
    expect((await planFor(95_000_001)).upload_url).toBeNull()
  })

  it.each([['6442450944'], ['9'.repeat(15)]])('refuses what is too large altogether: %s', async (size) => {
    const body = { filename: 'a.mp4', content_type: 'video/mp4', size_bytes: Number(size) }
    await problemOf(await post('/api/videos/upload-url', body), 413, 'upload_too_large')
  })
})

describe('A file in parts', () => {
  it('arrives whole, with its type and its owner', async () => {
    const size = PART + 5
    const companion = await smallPlan(size)
    const upload = await begin(companion)
    const etags = [await upload.send(1, bytesOf(PART, 1)), await upload.send(2, bytesOf(5, 2))]
    expect(await bodyOf<Listed[]>(await upload.list())).toEqual([
      { PartNumber: 1, Size: PART, ETag: etags[0], MD5: expect.stringMatching(/^[0-9a-f]{32}$/) },
      // Of five bytes 02.
      { PartNumber: 2, Size: 5, ETag: etags[1], MD5: '5978fda15cd74ca8a9a4006d9d0bbee8' },
    ])
    const answer = await bodyOf<{ location: string; key: string }>(await upload.complete(etags))
    expect(answer).toMatchObject({
      key: upload.key,
      location: expect.stringContaining(`/${upload.key}`),
      size,
    })
    const object = await env.VIDEOS.get(upload.key)
    expect(object).toMatchObject({
      size,
      httpMetadata: { contentType: 'video/mp4' },
      customMetadata: { project: '7' },
    })
    const bytes = new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer(0))
    expect([bytes[0], bytes[PART - 1], bytes[PART], bytes.length]).toEqual([1, 1, 2, size])
  })

  it('goes on after a reload: under a new token of the project, parts listed and not sent again', async () => {
    const before = await beginInProject(7)
    const first = await before.send(1, bytesOf(PART))
    const after = new PartsClient(await companionFor(7), before)
    expect(await bodyOf<Listed[]>(await after.list())).toMatchObject([{ PartNumber: 1, ETag: first }])
    const second = await after.send(2, bytesOf(3))
    expect((await after.complete([first, `"${second}"`])).status).toBe(200)
    expect((await env.VIDEOS.head(before.key))?.size).toBe(PART + 3)
  })

  it('begins with the size that was announced, or not at all', async () => {
    const companion = await smallPlan(PART + 5)
    const other = await post(`${companion}/s3/multipart`, { size_bytes: PART + 4 })
    await problemOf(other, 400, 'size_mismatch')
    expect((await post(`${companion}/s3/multipart`, { size_bytes: PART + 5 })).status).toBe(200)
  })

  it('keeps the parts of its plan, whatever the deployment sets meanwhile', async () => {
    const companion = await smallPlan(100 * MIB)
    const answer = await apiWith({ MAX_PUT_BYTES: '6000000' }, `${companion}/s3/multipart`, jsonInit({}))
    const begun = await bodyOf<Begun>(answer)
    expect(begun.part_size_bytes).toBe(PART)
    const { size_bytes } = await bodyOf<{ size_bytes: number }>(
      await api(new PartsClient(companion, begun).path('/20')),
    )
    expect(size_bytes).toBe(PART)
  })

  it('begins once: under the same token the same upload is answered', async () => {
    const companion = await smallPlan(PART + 5)
    const [one, two] = await Promise.all([begin(companion), begin(companion)])
    expect((await begin(companion)).uploadId).toBe(one.uploadId)
    expect(two.uploadId).toBe(one.uploadId)
  })

  it('can send a part again, and in any order', async () => {
    const upload = await beginInProject()
    const last = await upload.send(2, bytesOf(3))
    await upload.send(1, bytesOf(PART, 1))
    const again = await upload.send(1, bytesOf(PART, 9))
    expect((await upload.complete([again, last])).status).toBe(200)
    const head = await env.VIDEOS.get(upload.key, { range: { length: 1 } })
    expect(new Uint8Array((await head?.arrayBuffer()) ?? [])).toEqual(bytesOf(1, 9))
  })

  it('tells how far it is', async () => {
    const size = 2 * PART
    const upload = await begin(await smallPlan(size))
    const open = { status: 'open', key: upload.key, upload_id: upload.uploadId, size_bytes: size }
    expect(await bodyOf(await upload.progress())).toMatchObject({ ...open, uploaded_bytes: 0, percent: 0 })
    const one = await upload.send(1, bytesOf(PART))
    expect(await bodyOf(await upload.progress())).toMatchObject({
      uploaded_bytes: PART,
      percent: 50,
      parts: 1,
    })
    await upload.complete([one, await upload.send(2, bytesOf(PART))])
    expect(await bodyOf(await upload.progress())).toMatchObject({ status: 'complete', percent: 100 })
    expect(await bodyOf(await (await beginInProject()).progress())).toMatchObject({ percent: null })
  })
})

describe('Completing', () => {
  it('twice is safe, one after the other and at once', async () => {
    const upload = await beginInProject()
    const etag = await upload.send(1, bytesOf(3))
    const answers = await Promise.all([upload.complete([etag]), upload.complete([etag])])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    const [one, two] = await Promise.all(answers.map((answer) => answer.json()))
    expect(one).toEqual(two)
    expect(await bodyOf(await upload.complete([etag]))).toEqual(one)
  })

  it('is found again when R2 did it and the answer was lost', async () => {
    const upload = await beginInProject()
    const etag = await upload.send(1, bytesOf(3))
    await env.VIDEOS.resumeMultipartUpload(upload.key, upload.uploadId).complete([{ partNumber: 1, etag }])
    expect((await upload.complete([etag])).status).toBe(200)
    expect(await bodyOf(await upload.progress())).toMatchObject({ status: 'complete' })
  })

  it('is not found again in another file, though it has as many bytes and parts', async () => {
    const upload = await beginInProject()
    const etag = await upload.send(1, bytesOf(3))
    const other = await env.VIDEOS.createMultipartUpload(upload.key)
    const made = await other.complete([await other.uploadPart(1, bytesOf(3, 9))])
    const answer = await upload.complete([etag])
    expect(answer.headers.get('ETag')).toBe(made.httpEtag)
    await problemOf(answer, 412, 'already_exists')
  })

  it('writes over nothing: a file that came another way stands', async () => {
    const upload = await beginInProject()
    const etag = await upload.send(1, bytesOf(3))
    await env.VIDEOS.put(upload.key, 'earlier')
    await problemOf(await upload.complete([etag]), 412, 'already_exists')
    expect(await (await env.VIDEOS.get(upload.key))?.text()).toBe('earlier')
  })

  it('is refused in sentences when the parts do not make the file', async () => {
    const upload = await begin(await smallPlan(PART + 5))
    const small = await upload.send(1, bytesOf(100))
    await problemOf(await upload.complete([small]), 400, 'size_mismatch')
    const two = await upload.send(2, bytesOf(5))
    await problemOf(await upload.complete([small, two]), 400, 'part_too_small')
    const large = await upload.send(1, bytesOf(PART))
    await problemOf(await upload.complete([large]), 400, 'size_mismatch')
    await problemOf(await upload.complete([large, 'another']), 400, 'part_missing')
    await problemOf(await upload.complete([large, two, 'third']), 400, 'part_missing')
    await problemOf(await post(upload.path('/complete'), { parts: [] }), 400, 'validation_failed')
    expect((await upload.complete([large, two])).status).toBe(200)
  })

  it.each([
    ['complete: your proposed upload is smaller than the minimum (10011)', 400, 'part_too_small'],
    ['complete: there was a problem with the multipart upload (10048)', 400, 'parts_unequal'],
    ['complete: one or more parts could not be found (10025)', 400, 'part_missing'],
    ['complete: the upload does not exist (10024)', 404, 'upload_not_found'],
    ['complete: internal error (10001)', 503, 'storage_unavailable'],
  ])('makes a problem of R2’s own error: %s', async (message, status, code) => {
    const upload = await beginInProject()
    const etag = await upload.send(1, bytesOf(3))
    const VIDEOS = withUpload({ complete: () => Promise.reject(new Error(message)) })
    const init = jsonInit({ parts: [{ PartNumber: 1, ETag: etag }] })
    await problemOf(await apiWith({ VIDEOS }, upload.path('/complete'), init), status, code)
  })
})

describe('Aborting', () => {
  it('ends the upload and leaves nothing, neither here nor in R2', async () => {
    const upload = await beginInProject()
    const etag = await upload.send(1, bytesOf(3))
    const path = await upload.sign(2)
    expect(await bodyOf(await upload.abort())).toEqual({})
    for (const response of [
      await upload.list(),
      await upload.complete([etag]),
      await putPart(path, bytesOf(3)),
    ]) {
      await problemOf(response, 404, 'upload_not_found')
    }
    const stub = env.UPLOAD.getByName(upload.key)
    await runDurableObjectAlarm(stub)
    expect(await tablesOf(stub)).toEqual([])
    await problemOf(await upload.list(), 404, 'upload_not_found')
    const dropped = env.VIDEOS.resumeMultipartUpload(upload.key, upload.uploadId)
    await expect(dropped.uploadPart(1, 'x')).rejects.toThrow(/10024/)
  })

  it('changes nothing once the upload is complete', async () => {
    const upload = await beginInProject()
    const etag = await upload.send(1, bytesOf(3))
    await upload.complete([etag])
    expect(await bodyOf(await upload.abort())).toEqual({})
    await runDurableObjectAlarm(env.UPLOAD.getByName(upload.key))
    expect((await env.VIDEOS.head(upload.key))?.size).toBe(3)
    await problemOf(await api(upload.path('/2')), 409, 'upload_complete')
  })
})

describe('A GPU worker', () => {
  it('can send its output in parts, once, until its attempt ends', async () => {
    const { id, run } = await dispatchedJob(world.runs)
    const { video_key, multipart_url } = run.input.output
    const companion = pathOf(multipart_url)
    const upload = await begin(companion, { filename: 'ignored.mp4', type: 'text/html' })
    expect(upload.key).toBe(video_key)
    const again = await bodyOf<Begun>(await post(`${companion}/s3/multipart`, {}))
    expect(again).toEqual({ key: video_key, uploadId: upload.uploadId, part_size_bytes: 64 * MIB })
    const etags = [await upload.send(1, bytesOf(PART)), await upload.send(2, bytesOf(9))]
    await bodyOf(await upload.complete(etags))
    expect(await env.VIDEOS.head(video_key)).toMatchObject({
      size: PART + 9,
      httpMetadata: { contentType: 'video/mp4' },
      customMetadata: { project: '1', job: id },
    })
    const there = await post(`${companion}/s3/multipart`, {})
    expect(there.headers.get('ETag')).toBe((await env.VIDEOS.head(video_key))?.httpEtag)
    await problemOf(there, 412, 'already_exists')
    vi.setSystemTime(T0 + 2 * HOUR)
    await problemOf(await post(`${companion}/s3/multipart`, {}), 403, 'signature_expired')
  })

  it('may say the size of its output when it begins, and another one when it made it again', async () => {
    const { run } = await dispatchedJob(world.runs)
    const companion = pathOf(run.input.output.multipart_url)
    const start = (size_bytes: number) => post(`${companion}/s3/multipart`, { size_bytes })
    const begun = await bodyOf<Begun>(await start(PART + 9))
    expect(begun.part_size_bytes).toBe(8 * MIB)
    const upload = new PartsClient(companion, begun)
    await upload.send(1, bytesOf(PART + 9))
    await problemOf(await putPart(await upload.sign(2), bytesOf(1)), 413, 'upload_too_large')
    expect(await bodyOf(await start(PART + 4))).toEqual(begun)
    expect(await bodyOf(await upload.list())).toEqual([])
    const etag = await upload.send(1, bytesOf(PART + 4))
    expect((await upload.complete([etag])).status).toBe(200)
  })

  it('may not begin an output that is larger than anything may be, nor in words', async () => {
    const { run } = await dispatchedJob(world.runs)
    const path = `${pathOf(run.input.output.multipart_url)}/s3/multipart`
    await problemOf(await post(path, { size_bytes: 6 * 1024 ** 3 }), 413, 'upload_too_large')
    await problemOf(await post(path, { size_bytes: 'large' }), 400, 'validation_failed')
    expect((await api(path, { method: 'POST' })).status).toBe(200)
  })

  it('leaves no half of an output behind once its attempt’s time is over, not even of a deleted job', async () => {
    const { id, run } = await dispatchedJob(world.runs)
    const upload = await begin(pathOf(run.input.output.multipart_url))
    await upload.send(1, bytesOf(PART))
    const stub = env.UPLOAD.getByName(upload.key)
    const endsAt = await runInDurableObject(stub, (_instance, state) => state.storage.getAlarm())
    vi.setSystemTime(endsAt ?? 0)
    await problemOf(await api(upload.path('/2')), 403, 'signature_expired')
    await runDurableObjectAlarm(stub)
    const dropped = env.VIDEOS.resumeMultipartUpload(upload.key, upload.uploadId)
    await expect(dropped.uploadPart(2, 'x')).rejects.toThrow(/10024/)
    expect(await tablesOf(stub)).toEqual([])
    expect(await notes(id)).toEqual([])
  })

  it('is told that an output is there already', async () => {
    const plan = await planFor(LARGE)
    await env.VIDEOS.put(plan.video_key, 'there')
    const companion = pathOf(plan.multipart?.companion_url ?? '')
    await problemOf(await post(`${companion}/s3/multipart`, {}), 412, 'already_exists')
  })
})

async function notes(jobId: string): Promise<unknown[]> {
  const { results } = await env.DB.prepare('SELECT upload_key FROM job_uploads WHERE job_id = ?')
    .bind(jobId)
    .all()
  return results
}
