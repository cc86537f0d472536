import { isEnded, type Job, type JobEvent } from '../../../client/index.ts'
import { absolute, duration, relative } from '../format.ts'
import { Link } from '../router.tsx'
import { mayWrite } from '../service.ts'
import { Name } from '../ui/name.tsx'
import { Bar, StatusBadge } from '../ui/status.tsx'
import { timeLeft } from '../ui/time-left.ts'
import { Actions } from './actions.tsx'
import type { Commands } from './commands.ts'
import { failedAttempts } from './timeline.ts'
import { verdictOf } from './verdict.ts'

interface HeadlineProps {
  job: Job
  commands: Commands
  now: number
}

const FIRST = { download: 'download', retry: 'retry', change: 'rerun', upload: null } as const

/** The state of the export for the user, with the recommended action. */
export function Headline({ job, commands, now }: HeadlineProps) {
  const { title, text, remedy } = verdictOf(job, now)
  const { error } = job
  const moving = !isEnded(job)
  return (
    <section class="headline" aria-label="Progress" data-remedy={remedy}>
      <div class="headline-row">
        <StatusBadge status={job.status} />
        {job.status === 'processing' && (
          <span class="stage-word">
            <Name>{job.message ?? job.stage ?? ''}</Name>
          </span>
        )}
        <span class="spacer" />
        <span class="muted time-left">{timeLeft(job, now)}</span>
      </div>
      <h2 class="verdict">{title}</h2>
      {moving && (
        <div class="big-progress">
          <Bar job={job} label="Progress of the export" />
          {job.status === 'processing' && (
            <span class="percent" aria-hidden="true">
              {Math.floor(job.progress)}
              <small>%</small>
            </span>
          )}
        </div>
      )}
      {text && (
        <p class="verdict-text">
          <Name>{text}</Name>
        </p>
      )}
      {job.status === 'error' && error && (
        <p class="muted">
          <span class="reason">
            <Name>{error.message}</Name>
          </span>{' '}
          <a href={`/errors/${error.code}`}>What this means</a>
        </p>
      )}
      <div class="buttons">
        {mayWrite() && remedy === 'upload' && (
          <Link to="/" class="button primary">
            Choose another video
          </Link>
        )}
        <Actions job={job} commands={commands} first={FIRST[remedy ?? 'upload']} />
      </div>
    </section>
  )
}

/** The service's explanations: the reason, what comes next, and the errors of earlier attempts. */
export function Reasons({ job, events, now }: { job: Job; events: JobEvent[]; now: number }) {
  const failures = failedAttempts(job, events)
  return (
    <section class="reasons" aria-label="Why">
      {job.status !== 'error' && (
        <p class="reason">
          <Name>{job.reason}</Name>
        </p>
      )}
      <Next job={job} now={now} />
      {isEnded(job) && job.finished_at && (
        <p class="muted">Took {duration(Date.parse(job.finished_at) - Date.parse(job.created_at))}.</p>
      )}
      {(job.attempt > 1 || failures.length > 0) && (
        <p>
          Attempt {job.attempt} of {job.max_attempts}
          {job.round > 1 && `, round ${job.round}`}
        </p>
      )}
      {failures.length > 0 && (
        <ul class="muted">
          {failures.map(({ attempt, message }) => (
            <li key={attempt}>
              Attempt {attempt} failed: <Name>{message}</Name>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}

function Next({ job, now }: { job: Job; now: number }) {
  const { next_action: next } = job
  if (!next) return null
  const late = Date.parse(next.at) <= now
  // An ended job completes its remaining steps at once, but the page receives no message about them.
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
