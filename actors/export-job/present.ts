/** Completes the core's view of a job with deployment-specific parts: signed URLs, routes and the price of a GPU. */
import type { JobJson, JobUrls } from '../../wire/job.ts'
import { pricesOf } from '../shared/endpoints.ts'
import { etagOf } from '../shared/entity-tag.ts'
import { OwnedFile } from '../shared/owned-file.ts'
import type { Settings } from '../shared/settings.ts'
import { downloadPath, URL_WINDOW_MS } from '../shared/signing.ts'
import type { Job } from './core/job.ts'
import { viewOf } from './core/shown/view.ts'
import type { JobText } from './rpc.ts'

interface Shown {
  readonly job: Job
  readonly window: number
  readonly view: JobJson | null
  text: JobText | null
  etag: string | null
}

/**
 * The job as the API shows it, with its JSON text: cached until the job changes or its signed URLs are renewed. A job
 * is read far more often than it changes, and its signatures alone cost more than the rest of the answer.
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

  /** Null when the job is not shown. */
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

/** The job as HTTP and sockets show it; null when it is not shown. */
function present(job: Job, settings: Settings | null, now: number): JobJson | null {
  const view = settings ? viewOf(job, pricesOf(settings.endpoints)) : viewOf(job)
  if (!view) return null
  const { phase, request } = job
  const output = phase.status === 'complete' ? phase.output : null
  const signed = (file: OwnedFile | null) =>
    settings && file && downloadPath(settings.authSecrets[0], file, now)
  const stored = (key: string | undefined) =>
    signed(key === undefined ? null : OwnedFile.outputOf(request, key))
  const poster = stored(output?.posterKey)
  return {
    ...view,
    input_url: signed(OwnedFile.inputOf(job)),
    output_url: stored(output?.key),
    poster_url: poster && `${poster}&inline=1`,
    urls: urlsOf(view.id),
  }
}

/** Paths of one job. */
export function urlsOf(id: string): JobUrls {
  const self = `/api/jobs/${id}`
  return {
    self,
    ws: `${self}/ws`,
    events: `${self}/events`,
    cancel: `${self}/cancel`,
    retry: `${self}/retry`,
  }
}
