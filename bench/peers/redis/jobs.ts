/**
 * An export as a BullMQ job: the processor sends it to RunPod and waits for the worker's last report, which arrives
 * over HTTP. BullMQ provides attempts, backoff, progress and the recovery from a dead processor.
 */
import { randomUUID } from 'node:crypto'
import { type Job, Queue, UnrecoverableError, Worker } from 'bullmq'

export interface ExportRequest {
  project_id: number
  type: string
  input_video_key: string
  params: Record<string, unknown>
  metadata: Record<string, unknown>
}

export interface Progress {
  progress: number
  stage?: string
  eta_seconds?: number
}

export interface JobsOptions {
  redisPort: number
  /** The base URL of RunPod, and of the worker's reports. */
  runpodEndpoint: string
  publicUrl: string
  /** Called for each job that has ended. */
  ended(id: string): void
}

interface Waiting {
  resolve(): void
  reject(error: Error): void
}

const QUEUE = 'exports'
/** Unlimited, since RunPod has its own queue: every job is dispatched at once. */
const CONCURRENCY = 1_000_000
const RETRY = { attempts: 3, backoff: { type: 'exponential', delay: 5_000 } }

export class Jobs {
  readonly #queue: Queue<ExportRequest>
  readonly #worker: Worker<ExportRequest>
  readonly #running = new Map<string, Waiting>()
  readonly #options: JobsOptions

  constructor(options: JobsOptions) {
    this.#options = options
    const connection = { host: '127.0.0.1', port: options.redisPort }
    this.#queue = new Queue(QUEUE, { connection, defaultJobOptions: RETRY })
    this.#worker = new Worker(QUEUE, (job) => this.#run(job), {
      connection: { ...connection, maxRetriesPerRequest: null },
      concurrency: CONCURRENCY,
    })
    this.#worker.on('error', (error) => console.error(error))
    this.#worker.on('completed', ({ id = '' }) => options.ended(id))
    // Emitted for each failed attempt; only the last one ends the job.
    this.#worker.on('failed', (job) => job?.finishedOn && options.ended(job.id ?? ''))
  }

  /** Resolves when both connections are open. */
  async ready(): Promise<void> {
    await Promise.all([this.#queue.waitUntilReady(), this.#worker.waitUntilReady()])
  }

  /** @param delayMs delay before the first dispatch */
  async create(request: ExportRequest, delayMs: number): Promise<string> {
    const jobId = randomUUID()
    await this.#queue.add(request.type, request, { jobId, delay: delayMs })
    return jobId
  }

  /** The public view of one Redis hash; null when it does not exist. */
  async view(id: string): Promise<object | null> {
    const job = await this.#queue.getJob(id)
    if (!job) return null
    const shown = { job_id: id, status: statusOf(job), attempt: job.attemptsStarted, request: job.data }
    return typeof job.progress === 'object' ? { ...shown, ...job.progress } : shown
  }

  async progress(id: string, progress: Progress): Promise<void> {
    await this.#queue.updateJobProgress(id, progress)
  }

  complete(id: string): void {
    this.#running.get(id)?.resolve()
  }

  fail(id: string, retry: boolean): void {
    this.#running.get(id)?.reject(retry ? new Error('worker_error') : new UnrecoverableError('worker_error'))
  }

  async #run(job: Job<ExportRequest>): Promise<void> {
    const { id = '' } = job
    const ended = new Promise<void>((resolve, reject) => this.#running.set(id, { resolve, reject }))
    try {
      const { runpodEndpoint, publicUrl } = this.#options
      const callback = { callback_token: 'none', callback_url: `${publicUrl}/api/jobs/${id}/do` }
      const answer = await fetch(`${runpodEndpoint}/run`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ input: { job_id: id, ...callback, ...job.data } }),
      })
      if (!answer.ok) throw new Error(`RunPod answered ${answer.status}.`)
      await answer.json()
      await ended
    } finally {
      this.#running.delete(id)
    }
  }
}

function statusOf({ finishedOn, failedReason, processedOn }: Job): string {
  if (finishedOn) return failedReason ? 'error' : 'complete'
  return processedOn ? 'processing' : 'pending'
}
