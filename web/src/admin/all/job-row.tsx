import { Fragment } from 'preact'
import { useMemo, useRef } from 'preact/hooks'
import { isEnded } from '../../../../client/index.ts'
import type { TriagedJob } from '../../../../wire/admin.ts'
import { failureWords } from '../../../../wire/failures.ts'
import { absolute, duration, relative, sourceName } from '../../format.ts'
import { Link } from '../../router.tsx'
import { exportal } from '../../service.ts'
import { Icon } from '../../ui/icon.tsx'
import { Name } from '../../ui/name.tsx'
import { StatusBadge } from '../../ui/status.tsx'
import { costWords, reasonWords } from '../words.ts'
import type { Search } from './search.ts'
import { useTimeInView } from './time-in-view.ts'

interface RowProps {
  job: TriagedJob
  selected: boolean
  toggle: (id: string) => void
  /** Restricts the list to jobs with these properties. */
  narrow: (more: Partial<Search>) => void
}

/** Rendered only when its content changes and it is in view, since time passes for hundreds of rows. */
export function JobRow({ job, selected, toggle, narrow }: RowProps) {
  const place = useRef<HTMLTableRowElement>(null)
  const now = useTimeInView(place)
  const news = relative(job.last_news_at, now)
  const next = job.next_at === null || isEnded(job) ? '' : relative(job.next_at, now)
  const since = job.attention
    ? duration(Math.floor((now - Date.parse(job.attention.since)) / 10_000) * 10_000)
    : ''
  return useMemo(
    () => (
      <tr ref={place} data-job={job.id} data-status={job.status} data-attention={job.attention?.reason}>
        <td>
          <label class="row-choice">
            <input
              type="checkbox"
              aria-label={`Select ${job.id}`}
              checked={selected}
              onChange={() => toggle(job.id)}
            />
          </label>
        </td>
        <td>
          <Poster url={job.poster_url} />
        </td>
        <td class="row-title">
          <Link to={`/admin/jobs/${job.id}`}>
            <Name>{sourceName(job)}</Name>
          </Link>
          <span class="muted small">
            <span class="mono">{job.id.slice(0, 8)}</span> ·{' '}
            <Narrow label={job.type} act={() => narrow({ type: job.type })} /> ·{' '}
            <Narrow
              label={`project ${job.project_id}`}
              act={() => narrow({ project: String(job.project_id) })}
            />
            {job.tags.map((tag) => (
              <Fragment key={tag}>
                {' '}
                · <Narrow label={`#${tag}`} act={() => narrow({ tag })} />
              </Fragment>
            ))}
          </span>
        </td>
        <td>
          <StatusBadge status={job.status} />
          {job.status === 'processing' && <span class="muted small"> {Math.floor(job.progress)} %</span>}
        </td>
        <td>
          {job.attention ? (
            <span class="row-attention">
              {reasonWords(job.attention.reason)} <span class="muted small">for {since}</span>
            </span>
          ) : (
            job.error && (
              <Narrow
                label={failureWords(job.error.code)?.title ?? job.error.code}
                act={() => narrow({ code: job.error?.code ?? '' })}
              />
            )
          )}
          {job.attempt > 1 && (
            <span class="muted small">
              {' '}
              attempt {job.attempt} of {job.max_attempts}
            </span>
          )}
        </td>
        <td>
          <time dateTime={job.last_news_at} title={absolute(job.last_news_at, now)}>
            {news}
          </time>
        </td>
        <td>{next}</td>
        <td>{job.usage.gpu_seconds > 0 ? costWords(job.cost) : ''}</td>
      </tr>
    ),
    [job.id, job.version, job.progress, job.attention?.reason, selected, toggle, narrow, news, next, since],
  )
}

function Narrow({ label, act }: { label: string; act: () => void }) {
  return (
    <button type="button" class="narrow" title={`Only ${label}`} onClick={act}>
      {label}
    </button>
  )
}

/** The poster, if it exists: not every result has one. */
function Poster({ url }: { url: string | null }) {
  return (
    <span class="thumb">
      <Icon name="film" />
      {url && (
        <img
          src={exportal.absolute(url)}
          alt=""
          loading="lazy"
          onError={(event) => event.currentTarget.remove()}
        />
      )}
    </span>
  )
}
