import { useEffect, useMemo, useState } from 'preact/hooks'
import { isEnded, type Job, type ListedJob } from '../../../client/index.ts'
import { absolute, duration, nameOf, relative } from '../format.ts'
import { Actions } from '../job/actions.tsx'
import { useCommands } from '../job/commands.ts'
import { Link } from '../router.tsx'
import { serverNow } from '../server-time.ts'
import { exportal, posterUrl } from '../service.ts'
import { announce } from '../ui/announcer.tsx'
import { Icon } from '../ui/icon.tsx'
import { Name } from '../ui/name.tsx'
import { sentenceOf } from '../ui/problem.tsx'
import { Bar, StatusBadge, statusWord } from '../ui/status.tsx'
import { timeLeft } from '../ui/time-left.ts'
import { useLastingUrl } from '../video/use-lasting-url.ts'

interface RowProps {
  job: Job | ListedJob
  /** Whether this job is watched over its socket. */
  open: boolean
  chosen: boolean
  onOpen: (id: string) => void
  onChoose: (id: string, chosen: boolean) => void
  put: (job: Job) => void
  remove: (id: string) => void
}

/** One export of the list. */
export function ExportRow(props: RowProps) {
  const { job, open, chosen, onOpen, onChoose, put, remove } = props
  // With hundreds of rows, only changed ones are rendered.
  return useMemo(() => <Row {...props} />, [job, open, chosen, onOpen, onChoose, put, remove])
}

function Row({ job, open, chosen, onOpen, onChoose, put, remove }: RowProps) {
  const { id } = job
  const active = !isEnded(job)
  const name = nameOf(job)
  const commands = useCommands(job, (after) => (after === null ? remove(id) : put(after)))

  useEffect(() => {
    if (!active || !open) return
    const watch = exportal.jobs.watch(id, {
      onSnapshot: put,
      onEvent: (_, now) => now && put(now),
      onProgress: (_, now) => put(now),
    })
    watch.done.then(
      (ended) => announce(`${name}: ${statusWord(ended.status)}`),
      // The page was left, or the job is gone: the list shows its last state, and the job's page has the details.
      () => {},
    )
    return () => watch.close()
  }, [id, active, open, put, name])

  return (
    <li
      class="row"
      data-status={job.status}
      data-job={id}
      onPointerEnter={() => onOpen(id)}
      onFocusIn={() => onOpen(id)}
    >
      <label class="row-choice">
        <input
          type="checkbox"
          aria-label={`Choose ${name}`}
          checked={chosen}
          onChange={(event) => onChoose(id, event.currentTarget.checked)}
        />
      </label>
      <Poster job={job} />
      <div class="row-main">
        <Link to={`/jobs/${id}`} class="row-name">
          <Name>{name}</Name>
        </Link>
        <span class="row-meta">
          <span class="chip">{job.type}</span>
          <Ago at={job.created_at} />
        </span>
      </div>
      <div class="row-state">
        <StatusBadge status={job.status} />
        <span class="row-note">{noteOf(job)}</span>
      </div>
      {active && <Bar job={job} label={`Progress of ${name}`} />}
      <Actions job={job} commands={commands} named />
      {commands.error != null && (
        <p class="row-error" role="alert">
          {sentenceOf(commands.error)}
        </p>
      )}
    </li>
  )
}

/** The poster of the result, if its worker made one. */
function Poster({ job }: { job: Job | ListedJob }) {
  const { url, failed, loaded } = useLastingUrl(() =>
    job.status === 'complete' && !job.archived ? posterUrl(job) : null,
  )
  return (
    <span class="row-poster">
      {url ? (
        <img src={url} alt="" loading="lazy" decoding="async" onError={() => void failed()} onLoad={loaded} />
      ) : (
        <Icon name="film" />
      )}
    </span>
  )
}

const MINUTE_MS = 60_000

/** Each row updates its relative time by itself, a minute after it was shown, so that never all rows update at once. */
function Ago({ at }: { at: string }) {
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) setNow(serverNow())
    }, MINUTE_MS)
    return () => clearInterval(timer)
  }, [])
  return (
    <time dateTime={at} title={absolute(at, now)}>
      {relative(at, now)}
    </time>
  )
}

function noteOf(job: Job | ListedJob): string {
  if (job.status === 'processing') {
    const left = timeLeft(job)
    return [`${Math.floor(job.progress)} %`, job.stage, left].filter(Boolean).join(' · ')
  }
  if (job.status === 'error') return job.error?.message ?? ''
  if (job.status === 'complete' && job.finished_at) {
    return `took ${duration(Date.parse(job.finished_at) - Date.parse(job.created_at))}`
  }
  if (job.attempt > 1) return `Attempt ${job.attempt} of ${job.max_attempts}`
  return ''
}
