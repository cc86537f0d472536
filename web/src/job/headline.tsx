import { isEnded, type Job, type JobEvent } from '../../../client/index.ts'
import { absolute, duration, relative } from '../format.ts'
import { Bar, StatusBadge, timeLeft } from '../ui/status.tsx'
import { failedAttempts } from './timeline.ts'

/** Where the job stands, why, and what happens next. */
export function Headline({ job, events, now }: { job: Job; events: JobEvent[]; now: number }) {
  const ended = isEnded(job)
  const failures = failedAttempts(job, events)
  return (
    <section class="headline" aria-label="Progress">
      <div class="headline-row">
        <StatusBadge status={job.status} />
        {job.status === 'processing' && <span class="stage-word">{job.message ?? job.stage}</span>}
        <span class="spacer" />
        {job.status === 'processing' && <span class="muted">{timeLeft(job)}</span>}
        {ended && job.finished_at && (
          <span class="muted">took {duration(Date.parse(job.finished_at) - Date.parse(job.created_at))}</span>
        )}
      </div>
      <div class="big-progress">
        <Bar job={job} label="Progress of the export" />
        <span class="percent" aria-hidden="true">
          {Math.floor(job.status === 'complete' ? 100 : job.progress)}
          <small>%</small>
        </span>
      </div>
      <p class="reason">{job.reason}</p>
      <Next job={job} now={now} />
      {(job.attempt > 1 || failures.length > 0) && (
        <div class="attempts">
          <p>
            Attempt {job.attempt} of {job.max_attempts}
            {job.round > 1 && `, round ${job.round}`}
          </p>
          {failures.length > 0 && (
            <ul>
              {failures.map(({ attempt, message }) => (
                <li key={attempt}>
                  Attempt {attempt} failed: {message}
                </li>
              ))}
            </ul>
          )}
        </div>
      )}
    </section>
  )
}

function Next({ job, now }: { job: Job; now: number }) {
  const { next_action: next } = job
  if (!next) return null
  const late = Date.parse(next.at) <= now
  // What an ended job still does at once is done by now, and nobody tells this page of it.
  if (late && isEnded(job)) return null
  return (
    <p class="next">
      <span class="next-label">{isEnded(job) ? 'Later' : 'Next'}</span>
      <span>
        {late ? (
          'now'
        ) : (
          <>
            {relative(next.at, now)}, <time dateTime={next.at}>{absolute(next.at, now)}</time>
          </>
        )}
        : {next.what}
      </span>
    </p>
  )
}
