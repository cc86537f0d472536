import { useEffect, useMemo, useState } from 'preact/hooks'
import { isEnded } from '../../../../client/index.ts'
import { absolute, duration, relative } from '../../format.ts'
import { Link } from '../../router.tsx'
import { useNow } from '../../ui/now.ts'
import { Problem } from '../../ui/problem.tsx'
import { STATUSES, StatusBadge, statusWord } from '../../ui/status.tsx'
import type { AnyJob } from '../../ui/use-pages.ts'
import type { Search } from '../calls.ts'
import { Bulk } from './bulk.tsx'
import { StatsPanel } from './stats-panel.tsx'
import { useSearch } from './use-search.ts'

const ANY: Search = { id: '', status: '', code: '', project: '', from: '', until: '' }
/** Typing is over when nothing is typed for this long. */
const TYPED_MS = 250
/** The service looks for no shorter beginning of an id. */
const LEAST_ID = 8

/** Every job of every project: figures over the list, the list as it is searched. */
export function AllJobs() {
  const [fields, setFields] = useState(ANY)
  const wanted = useTyped(fields)
  const found = useSearch(wanted)
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const now = useNow()
  const chosen = (found.jobs ?? []).filter(({ id }) => selected.has(id))
  const toggle = (id: string) =>
    setSelected((before) => {
      const after = new Set(before)
      if (!after.delete(id)) after.add(id)
      return after
    })
  useEffect(() => {
    document.title = 'All jobs · Exportal'
    return () => {
      document.title = 'Exportal'
    }
  }, [])
  return (
    <div class="all-jobs">
      <h1>All jobs</h1>
      <StatsPanel />
      <section class="card" aria-labelledby="list-title">
        <header class="section-head">
          <h2 id="list-title">Jobs</h2>
          <Bulk
            wanted={wanted}
            selected={chosen}
            done={() => {
              setSelected(new Set())
              found.reload()
            }}
          />
        </header>
        <SearchFields fields={fields} change={(more) => setFields({ ...fields, ...more })} />
        {found.error != null && (
          <Problem error={found.error} title="The list could not be loaded" retry={found.reload} />
        )}
        {found.jobs === null && found.error == null && <div class="skeleton" style={{ height: '12rem' }} />}
        {found.jobs?.length === 0 && <p class="muted">No job is like this.</p>}
        {found.jobs && found.jobs.length > 0 && (
          <div class="scroll">
            <table class="plain jobs-table">
              <thead>
                <tr>
                  <th scope="col">
                    <span class="visually-hidden">Selected</span>
                  </th>
                  {['Status', 'Job', 'Project', 'Type', 'Error', 'Attempt', 'Created', 'Took'].map((name) => (
                    <th key={name} scope="col">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {found.jobs.map((job) => (
                  <JobRow key={job.id} job={job} now={now} selected={selected.has(job.id)} toggle={toggle} />
                ))}
              </tbody>
            </table>
          </div>
        )}
        {found.more && (
          <button type="button" class="more" disabled={found.busy} onClick={found.loadMore}>
            {found.busy ? 'Loading…' : 'Load more'}
          </button>
        )}
      </section>
    </div>
  )
}

/** What the fields hold, once typing is over; an id that is too short to look for is no id yet. */
function useTyped(fields: Search): Search {
  const [typed, setTyped] = useState(fields)
  useEffect(() => {
    const timer = setTimeout(() => setTyped(fields), TYPED_MS)
    return () => clearTimeout(timer)
  }, [fields])
  return useMemo(() => ({ ...typed, id: typed.id.length >= LEAST_ID ? typed.id : '' }), [typed])
}

interface FieldsProps {
  fields: Search
  change: (more: Partial<Search>) => void
}

function SearchFields({ fields, change }: FieldsProps) {
  const field = (name: keyof Search, label: string, type = 'text') => (
    <label>
      {label}
      <input
        type={type}
        value={fields[name]}
        onInput={(event) => change({ [name]: event.currentTarget.value.trim() })}
      />
    </label>
  )
  return (
    <search class="search-fields">
      {field('id', 'Id')}
      <label>
        Status
        <select value={fields.status} onChange={(event) => change({ status: event.currentTarget.value })}>
          <option value="">Any</option>
          {STATUSES.map((status) => (
            <option key={status} value={status}>
              {statusWord(status)}
            </option>
          ))}
        </select>
      </label>
      {field('code', 'Error code')}
      {field('project', 'Project', 'number')}
      {field('from', 'Created after', 'datetime-local')}
      {field('until', 'Created before', 'datetime-local')}
    </search>
  )
}

interface RowProps {
  job: AnyJob
  now: number
  selected: boolean
  toggle: (id: string) => void
}

function JobRow({ job, now, selected, toggle }: RowProps) {
  const took = (job.finished_at ? Date.parse(job.finished_at) : now) - Date.parse(job.created_at)
  return (
    <tr data-job={job.id} data-status={job.status}>
      <td>
        <input
          type="checkbox"
          aria-label={`Select ${job.id}`}
          checked={selected}
          onChange={() => toggle(job.id)}
        />
      </td>
      <td>
        <StatusBadge status={job.status} />
        {job.status === 'processing' && <span class="muted small"> {Math.floor(job.progress)} %</span>}
      </td>
      <td class="mono">
        <Link to={`/admin/jobs/${job.id}`}>{job.id}</Link>
      </td>
      <td>{job.project_id}</td>
      <td>{job.type}</td>
      <td>{job.error?.code ?? ''}</td>
      <td>
        {job.attempt} of {job.max_attempts}
      </td>
      <td>
        <time dateTime={job.created_at} title={absolute(job.created_at, now)}>
          {relative(job.created_at, now)}
        </time>
      </td>
      <td>{isEnded(job) ? duration(took) : ''}</td>
    </tr>
  )
}
