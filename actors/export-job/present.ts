/** The core's view of a job, completed with what needs this deployment: signed URLs, routes and the price of a GPU. */
import type { JobJson } from '../../wire/job.ts'
import { etagOf } from '../entity-tag.ts'
import { OwnedFile } from '../owned-file.ts'
import type { Settings } from '../settings.ts'
import { downloadPath, URL_WINDOW_MS } from '../signing.ts'
import type { Job } from './core/job.ts'
import { viewOf } from './core/view.ts'
import type { JobText } from './rpc.ts'

interface Shown {
  readonly job: Job
  readonly window: number
  readonly view: JobJson | null
  text: JobText | null
  etag: string | null
}

/**
 * The job as it is shown, with its JSON text: made anew only when the job changed or its signed URLs move on. Many look
 * at a job for each time that it changes, and its signatures alone cost more than the answer.
 */
export class Presenter {
  readonly #settings: Settings | null
  #last: Shown | null = null

  constructor(settings: Settings | null) {
    this.#settings = settings
  }

  view(job: Job, now: number): JobJson | null {
    return this.#of(job, now).view
  }

  text(job: Job, now: number): JobText | null {
    const last = this.#of(job, now)
    last.text ??= last.view && JSON.stringify(last.view)
    return last.text
  }

  /** Null when there is nothing to show. */
  etag(job: Job, now: number): string | null {
    const last = this.#of(job, now)
    const text = this.text(job, now)
    last.etag ??= text && etagOf(text)
    return last.etag
  }

  #of(job: Job, now: number): Shown {
    const window = Math.floor(now / URL_WINDOW_MS)
    const last = this.#last
    if (last?.job === job && last.window === window) return last
    const view = present(job, this.#settings, now)
    const fresh = { job, window, view, text: null, etag: null }
    this.#last = fresh
    return fresh
  }
}

/** The job as HTTP and sockets show it; null when there is none to show. */
function present(job: Job, settings: Settings | null, now: number): JobJson | null {
  const view = viewOf(job, settings?.gpuPricePerSecond ?? null)
  if (!view) return null
  const { output_video_key: output } = view
  const self = `/api/jobs/${view.id}`
  const signed = (file: OwnedFile | null) =>
    settings && file && downloadPath(settings.authSecrets[0], file, now)
  return {
    ...view,
    input_url: signed(OwnedFile.inputOf(job)),
    output_url: signed(output === null ? null : OwnedFile.outputOf(job.request, output)),
    urls: {
      self,
      ws: `${self}/ws`,
      events: `${self}/events`,
      cancel: `${self}/cancel`,
      retry: `${self}/retry`,
    },
  }
}
