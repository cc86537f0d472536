/**
 * The Exportal client: typed, without a framework, for browsers, Node and Workers.
 *
 *   const exportal = createExports({ baseUrl: 'https://exports.example.com', token })
 *   const { video_key } = await exportal.uploadVideo(file, { projectId: 1 })
 *   const { job } = await exportal.jobs.create({ project_id: 1, type: 'trim', input_video_key: video_key,
 *                                                params: { start_seconds: 2, end_seconds: 9 } })
 *   const done = await exportal.jobs.waitFor(job, { onProgress: (percent) => show(percent) })
 *   if (done.output_url) location.href = exportal.absolute(done.output_url)
 */
import { withAuthority } from './authority.ts'
import {
  type CreateOptions,
  commandJob,
  createJob,
  deleteJob,
  type EventsQuery,
  getEvents,
  getJob,
  listAllJobs,
  listJobs,
  type RequestOptions,
} from './calls.ts'
import { type ExportsOptions, Transport } from './http.ts'
import type {
  CreatedJob,
  CreateJob,
  DeleteAnswer,
  EventsPage,
  Health,
  Job,
  JobPage,
  JobTypeInfo,
  ListedJob,
  ListQuery,
} from './types.ts'
import type { UploadedVideo, UploadOptions, UploadSource } from './upload.ts'
import { type WaitOptions, waitForJob } from './wait.ts'
import { JobWatch, type WatchOptions } from './watch.ts'

export type { CreateOptions, EventsQuery, RequestOptions } from './calls.ts'
export {
  ExportalConnectionError,
  ExportalError,
  ExportalTimeoutError,
  ExportJobFailed,
  type FieldError,
} from './errors.ts'
export type { ExportsOptions, FetchLike, TokenSource, WebSocketLike } from './http.ts'
export type { Timings } from './time.ts'
export type { Update } from './tracker.ts'
export * from './types.ts'
export type { UploadedVideo, UploadOptions, UploadPlan, UploadProgress, UploadSource } from './upload.ts'
export type { WaitOptions } from './wait.ts'
export type { ConnectionState, ConnectionStatus, JobWatch, WatchOptions } from './watch.ts'

export interface JobsClient {
  /** Creates a job; safe to repeat, also by itself, under one idempotency key. */
  create(input: CreateJob, options?: CreateOptions): Promise<CreatedJob>
  get(id: string, options?: RequestOptions): Promise<Job>
  list(query?: ListQuery, options?: RequestOptions): Promise<JobPage>
  /** Every job that matches, across the pages, newest first. */
  listAll(query?: ListQuery, options?: RequestOptions): AsyncGenerator<ListedJob, void, undefined>
  /** Asks for the stop. The job is `cancelling` until the GPU has confirmed. */
  cancel(id: string, options?: RequestOptions): Promise<Job>
  /** Starts a new round of an `error` or `cancelled` job. */
  retry(id: string, options?: RequestOptions): Promise<Job>
  /** Deletes an ended job with its files; an active one is cancelled instead, and the answer says so. */
  delete(id: string, options?: RequestOptions): Promise<DeleteAnswer>
  /** One page of the log. */
  events(id: string, query?: EventsQuery): Promise<EventsPage>
  /** Follows a job to its end, across reconnects. Given a job that has ended, it does not dial at all. */
  watch(job: string | Job, options?: WatchOptions): JobWatch
  /** Resolves once the job is complete, rejects with ExportJobFailed when it ends otherwise. */
  waitFor(job: string | Job, options?: WaitOptions): Promise<Job>
}

export interface ExportsClient {
  jobs: JobsClient
  /** A URL of a path that the service gave out, as in `job.urls`; a whole URL stays as it is. */
  absolute(pathOrUrl: string): string
  /** Stores a video, or an image for an overlay, and answers its key. Large files go in parts, and can be gone on with. */
  uploadVideo(file: UploadSource, options?: UploadOptions): Promise<UploadedVideo>
  jobTypes(options?: RequestOptions): Promise<JobTypeInfo[]>
  /** `deep` also asks what the service depends on; that it is degraded is an answer, not an error. */
  health(options?: RequestOptions & { deep?: boolean }): Promise<Health>
}

/**
 * A client of one service, with one token.
 *
 * @throws TypeError for a baseUrl that is none, and for timings that are no numbers of 0 or more
 */
export function createExports(options: ExportsOptions): ExportsClient {
  const http = new Transport(options)
  const jobs: JobsClient = {
    create: (input, options) => createJob(http, input, options),
    get: (id, options) => getJob(http, id, options),
    list: (query, options) => listJobs(http, query, options),
    listAll: (query, options) => listAllJobs(http, query, options),
    cancel: (id, options) => commandJob(http, id, 'cancel', options),
    retry: (id, options) => commandJob(http, id, 'retry', options),
    delete: (id, options) => deleteJob(http, id, options),
    events: (id, query) => getEvents(http, id, query),
    watch: (job, options) => new JobWatch(http, job, options),
    waitFor: (job, options) => waitForJob(http, job, options),
  }
  return {
    jobs: withAuthority(jobs, http.authority),
    absolute: (pathOrUrl) => http.absolute(pathOrUrl),
    uploadVideo: async (file, options) => (await import('./upload.ts')).uploadVideo(http, file, options),
    jobTypes: async ({ signal } = {}) => {
      const { body } = await http.send({ path: '/api/job-types', signal })
      return (body as { types: JobTypeInfo[] }).types
    },
    health: async ({ deep, signal } = {}) => {
      const { body } = await http.send({ path: '/health', query: deep ? { deep: 1 } : {}, signal, also: 503 })
      return body as Health
    },
  }
}
