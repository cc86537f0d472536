import type { ComponentChildren } from 'preact'
import type { Job } from '../../../client/index.ts'
import { absolute, duration } from '../format.ts'
import { Names } from '../ui/name.tsx'

/** Further details of a job. */
export function Facts({ job, now }: { job: Job; now: number }) {
  const { usage } = job
  const rows: [string, ComponentChildren][] = [
    ['Type', job.type],
    ['Created', absolute(job.created_at, now)],
    ['Started', job.started_at && absolute(job.started_at, now)],
    ['Finished', job.finished_at && absolute(job.finished_at, now)],
    ['Kept until', job.expires_at && absolute(job.expires_at, now)],
    ['GPU time', usage && usage.gpu_seconds > 0 ? duration(usage.gpu_seconds * 1000) : null],
    ['Wasted', usage && usage.wasted_seconds > 0 ? duration(usage.wasted_seconds * 1000) : null],
    ['Cost', usage?.cost == null ? null : `${usage.estimated ? '≈ ' : ''}$${usage.cost.toFixed(4)}`],
    ['RunPod job', job.runpod_job_id],
    ['Tags', job.tags.length > 0 && <Names>{job.tags}</Names>],
  ]
  return (
    <section class="facts" aria-label="Details">
      <dl>
        {rows.map(
          ([name, value]) =>
            value && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
      <details>
        <summary>Params</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre tabIndex={0}>{JSON.stringify(job.params, null, 2)}</pre>
      </details>
    </section>
  )
}
