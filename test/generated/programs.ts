/**
 * One export by each generated client: created, watched to its end by long polls, and downloaded. `order` omits every
 * field with a default; it compiles only if a generator does not treat them as required.
 */

/** Pinned, since another release generates another client. Their stable releases need TypeScript 5.9. */
export const MANIFEST = {
  name: 'generated-clients',
  private: true,
  dependencies: {
    '@hey-api/openapi-ts': '0.95.0',
    'openapi-fetch': '0.17.0',
    'openapi-typescript': '7.13.0',
    orval: '7.13.2',
    typescript: '5.9.3',
    zod: '4.6.7',
  },
}

export const ORVAL_CONFIG = `module.exports = {
  fetch: { input: './openapi.json', output: { target: './orval-fetch/api.ts', client: 'fetch' } },
  zod: { input: './openapi.json', output: { target: './orval-zod/api.ts', client: 'zod' } },
}
`

/** The command that generates each client: the bin of a package, and its arguments. */
export const GENERATORS: readonly (readonly string[])[] = [
  ['openapi-typescript', 'openapi.json', '-o', 'openapi-typescript/api.ts'],
  ['openapi-ts', '-i', 'openapi.json', '-o', 'hey-api/api'],
  ['orval', '--config', 'orval.config.js'],
]

const COMMON = `
const about = (file: Blob) => ({ filename: 'clip.mp4', content_type: 'video/mp4', size_bytes: file.size, project_id: 1 })
const order = (key: string) =>
  ({ project_id: 1, type: 'trim', input_video_key: key, params: { end_seconds: 1 }, metadata: { by: 'generated' } }) as const
const put = async (url: string | null | undefined, file: Blob) => {
  const { ok } = await fetch(url ?? '', { method: 'PUT', body: file, headers: { 'Content-Type': 'video/mp4' } })
  if (!ok) throw new Error('The upload was refused.')
}
const ended = (status?: string) => status === 'complete' || status === 'error' || status === 'cancelled'
const sizeOf = async (baseUrl: string, url: string | null | undefined) =>
  (await (await fetch(new URL(url ?? '', baseUrl))).blob()).size
`

const MAIN = 'export async function main(baseUrl: string, token: string, file: Blob): Promise<string> {'

export const PROGRAMS: Record<string, string> = {
  'openapi-typescript': `import createClient from 'openapi-fetch'
import type { paths } from './api'
${COMMON}
${MAIN}
  const client = createClient<paths>({ baseUrl, headers: { Authorization: 'Bearer ' + token } })
  const { data: plan } = await client.POST('/api/videos/upload-url', { body: about(file) })
  if (!plan) throw new Error('no plan')
  await put(plan.upload_url, file)
  const { data: created, error } = await client.POST('/api/jobs', { body: order(plan.video_key) })
  if (!created) throw new Error(error.code)
  let job = created.job
  let etag = '"none"'
  while (!ended(job.status)) {
    const params = { path: { id: job.id }, query: { wait: 20 }, header: { 'If-None-Match': etag } }
    const { data, response } = await client.GET('/api/jobs/{id}', { params })
    etag = response.headers.get('ETag') ?? etag
    job = data ?? job
  }
  return job.status + ' ' + (await sizeOf(baseUrl, job.output_url) > 1000)
}
`,
  'hey-api': `import { createJob, createUploadUrl, readJob } from './api'
import { client } from './api/client.gen'
${COMMON}
${MAIN}
  client.setConfig({ baseUrl, auth: token })
  const { data: plan } = await createUploadUrl({ body: about(file) })
  if (!plan) throw new Error('no plan')
  await put(plan.upload_url, file)
  const { data: created, error } = await createJob({ body: order(plan.video_key) })
  if (!created) throw new Error(error?.code)
  let job = created.job
  let etag = '"none"'
  while (!ended(job.status)) {
    const { data, response } = await readJob({ path: { id: job.id }, query: { wait: 20 }, headers: { 'If-None-Match': etag } })
    etag = response?.headers.get('ETag') ?? etag
    if (response?.status === 200 && data) job = data
  }
  return job.status + ' ' + (await sizeOf(baseUrl, job.output_url) > 1000)
}
`,
  'orval-fetch': `import { createJob, createUploadUrl, readJob } from './api'
${COMMON}
${MAIN}
  const own = globalThis.fetch
  globalThis.fetch = (input, init) => own(typeof input === 'string' ? new URL(input, baseUrl) : input, init)
  const headers = { Authorization: 'Bearer ' + token }
  const plan = await createUploadUrl(about(file), { headers })
  if (plan.status !== 200) throw new Error(plan.data.code)
  await put(plan.data.upload_url, file)
  const created = await createJob(order(plan.data.video_key), { headers })
  if (created.status !== 201) throw new Error(created.data.code)
  let { job } = created.data
  let etag = '"none"'
  while (!ended(job.status)) {
    const answer = await readJob(job.id, { wait: 20 }, { headers: { ...headers, 'If-None-Match': etag } })
    etag = answer.headers.get('ETag') ?? etag
    if (answer.status === 200) job = answer.data
  }
  return job.status + ' ' + (await sizeOf(baseUrl, job.output_url) > 1000)
}
`,
  'orval-zod': `import { createJobBody, createUploadUrlBody, createUploadUrlResponse, readJobResponse } from './api'
${COMMON}
${MAIN}
  const send = async (path: string, body?: unknown, etag = '"none"') => {
    const headers = { Authorization: 'Bearer ' + token, 'Content-Type': 'application/json', 'If-None-Match': etag }
    const init = body === undefined ? { headers } : { method: 'POST', headers, body: JSON.stringify(body) }
    return fetch(new URL(path, baseUrl), init)
  }
  const asked = await send('/api/videos/upload-url', createUploadUrlBody.parse(about(file)))
  const plan = createUploadUrlResponse.parse(await asked.json())
  await put(plan.upload_url, file)
  if (createJobBody.safeParse({ ...order(plan.video_key), type: 'rotate' }).success) throw new Error('It takes anything.')
  const created = await send('/api/jobs', createJobBody.parse(order(plan.video_key)))
  let job = readJobResponse.parse(((await created.json()) as { job: unknown }).job)
  let etag = '"none"'
  while (!ended(job.status)) {
    const answer = await send('/api/jobs/' + job.id + '?wait=20', undefined, etag)
    etag = answer.headers.get('ETag') ?? etag
    if (answer.status === 200) job = readJobResponse.parse(await answer.json())
  }
  return job.status + ' ' + (await sizeOf(baseUrl, job.output_url) > 1000)
}
`,
}
