import type { Job, JobEvent } from '../../../client/index.ts'
import { absolute, duration } from '../format.ts'
import { Icon } from '../ui/icon.tsx'
import { type Step, stepsOf } from './timeline.ts'

/** The stations of a job, each with when it was reached and how long it took. */
export function Steps({ job, events, now }: { job: Job; events: JobEvent[]; now: number }) {
  return (
    <ol class="steps" aria-label="Steps">
      {stepsOf(job, events).map((step) => (
        <li key={step.name} data-state={step.state} aria-current={step.state === 'now' ? 'step' : undefined}>
          <span class="step-dot">
            {step.state === 'done' && <Icon name="check" />}
            {step.state === 'failed' && <Icon name="cross" />}
          </span>
          <span class="step-name">
            {step.name}
            <span class="visually-hidden"> ({SPOKEN[step.state]})</span>
          </span>
          <span class="step-time">{timeOf(step, now)}</span>
        </li>
      ))}
    </ol>
  )
}

const SPOKEN: Record<Step['state'], string> = {
  done: 'done',
  now: 'under way',
  failed: 'ended here',
  ahead: 'to come',
}

function timeOf({ at, until, state }: Step, now: number): string {
  if (at === null) return ''
  const started = Date.parse(at)
  if (state === 'now') return duration(now - started)
  return until === null ? absolute(at, now) : duration(Date.parse(until) - started)
}
