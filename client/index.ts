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
  createToken,
  deleteJob,
  type EventsQuery,
  getEvents,
  getJob,
  listAllJobs,
  listJobs,
  type RequestOptions,
  redeliverWebhook,
} from './calls.ts'
import { type ExportsOptions, Transport } from './http.ts'
import type {
  CreatedJob,
  CreateJob,
  DeleteAnswer,
  EventsPage,
  Health,
  IssuedToken,
  Job,
  JobPage,
  JobTypeInfo,
  ListedJob,
  ListQuery,
  TokenRequest,
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
export type { UploadedVideo, UploadOptions, UploadProgress, UploadSource } from './upload.ts'
export type { WaitOptions } from './wait.ts'
export type { ConnectionState, ConnectionStatus, JobWatch, WatchOptions } from './watch.ts'

export interface JobsClient {
  /** Creates a job; may be repeated under one idempotency key, as the client itself does. */
  create(input: CreateJob, options?: CreateOptions): Promise<CreatedJob>
  get(id: string, options?: RequestOptions): Promise<Job>
  list(query?: ListQuery, options?: RequestOptions): Promise<JobPage>
  /** Every matching job, across all pages, newest first. */
  listAll(query?: ListQuery, options?: RequestOptions): AsyncGenerator<ListedJob, void, undefined>
  /** Requests the cancel. The job is `cancelling` until RunPod has confirmed it. */
  cancel(id: string, options?: RequestOptions): Promise<Job>
  /** Starts a new round of an `error` or `cancelled` job. */
  retry(id: string, options?: RequestOptions): Promise<Job>
  /** Deletes an ended job with its files; cancels an active one instead, which the answer contains. */
  delete(id: string, options?: RequestOptions): Promise<DeleteAnswer>
  /** Sends a webhook message again, by its `webhook-id`. */
  redeliver(id: string, delivery: string, options?: RequestOptions): Promise<Job>
  /** One page of the log. */
  events(id: string, query?: EventsQuery): Promise<EventsPage>
  /** Watches a job to its end, across reconnects. For a job that has ended it opens no connection. */
  watch(job: string | Job, options?: WatchOptions): JobWatch
  /** Resolves when the job is complete, rejects with ExportJobFailed when it ends otherwise. */
  waitFor(job: string | Job, options?: WaitOptions): Promise<Job>
}

export interface ExportsClient {
  jobs: JobsClient
  /** The URL of a path from the service, such as one in `job.urls`; a complete URL is returned unchanged. */
  absolute(pathOrUrl: string): string
  /**
   * Stores a video, or an image for an overlay, and returns its key. Large files are sent in parts, and can be resumed.
   */
  uploadVideo(file: UploadSource, options?: UploadOptions): Promise<UploadedVideo>
  /** Creates a token with fewer rights and a shorter life than this client's, for example for a browser. */
  createToken(input: TokenRequest, options?: RequestOptions): Promise<IssuedToken>
  jobTypes(options?: RequestOptions): Promise<JobTypeInfo[]>
  /** `deep` also checks the service's dependencies; a degraded service is an answer, not an error. */
  health(options?: RequestOptions & { deep?: boolean }): Promise<Health>
}

/**
 * Creates a client of one service, with one token.
 *
 * @throws TypeError when baseUrl is invalid, or a timing is not a number of at least 0
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
    redeliver: (id, delivery, options) => redeliverWebhook(http, id, delivery, options),
    events: (id, query) => getEvents(http, id, query),
    watch: (job, options) => new JobWatch(http, job, options),
    waitFor: (job, options) => waitForJob(http, job, options),
  }
  return {
    jobs: withAuthority(jobs, http.authority),
    absolute: (pathOrUrl) => http.absolute(pathOrUrl),
    uploadVideo: async (file, options) => (await import('./upload.ts')).uploadVideo(http, file, options),
    createToken: (input, options) => createToken(http, input, options),
    jobTypes: async ({ signal } = {}) => {
      const { body } = await http.send({ path: '/api/job-types', has: ['types'], signal })
      return (body as { types: JobTypeInfo[] }).types
    },
    health: async ({ deep, signal } = {}) => {
      const { body } = await http.send({
        path: '/health',
        query: deep ? { deep: 1 } : {},
        signal,
        also: 503,
        has: ['status'],
      })
      return body as Health
    },
  }
}
