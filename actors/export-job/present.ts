/** The core's view of a job, completed with what needs this deployment: signed URLs, routes and the price of a GPU. */
import type { Settings } from '../settings.ts'
import { downloadPath } from '../signing.ts'
import type { Job } from './core/job.ts'
import { viewOf } from './core/view.ts'
import type { JobJson } from './rpc.ts'

/** The job as HTTP and sockets show it; null when there is none to show. */
export function present(job: Job, settings: Settings | null, now: number): JobJson | null {
  const view = viewOf(job, settings?.gpuPricePerSecond ?? null)
  if (!view) return null
  const { input_video_key: input, output_video_key: output } = view
  const self = `/api/jobs/${view.id}`
  const signed = (key: string) => settings && downloadPath(settings.authSecrets[0], key, now)
  return {
    ...view,
    input_url: signed(input),
    output_url: output && signed(output),
    urls: {
      self,
      ws: `${self}/ws`,
      events: `${self}/events`,
      cancel: `${self}/cancel`,
      retry: `${self}/retry`,
    },
  }
}
