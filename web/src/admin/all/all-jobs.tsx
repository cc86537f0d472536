import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Statistics, TriagedJob } from '../../../../wire/admin.ts'
import { Link, setQueries, useLocation } from '../../router.tsx'
import { serverNow } from '../../server-time.ts'
import { Problem } from '../../ui/problem.tsx'
import { useTitle } from '../../ui/use-title.ts'
import { Bulk } from './bulk.tsx'
import { JobRow } from './job-row.tsx'
import { ANY, type Search, SORTS, STATUSES, saidOf, searchIn, TABS } from './search.ts'
import { StatsPanel, useStatistics, Window } from './stats-panel.tsx'
import { useSearch } from './use-search.ts'

/** Debounce of the search fields. */
const TYPED_MS = 250
const COLUMNS = ['Job', 'Status', 'Why', 'Last news', 'Next', 'Cost']

/** The list of all projects' jobs; those that need a person come first. */
export function AllJobs() {
  const { query } = useLocation()
  const wanted = useTyped(searchIn(query))
  const found = useSearch(wanted)
  const figures = useStatistics()
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const shown = useMemo(() => sorted(found.jobs ?? [], wanted.sort), [found.jobs, wanted.sort])
  const chosen = shown.filter(({ id }) => selected.has(id))
  const toggle = useCallback(
    (id: string) =>
      setSelected((before) => {
        const after = new Set(before)
        if (!after.delete(id)) after.add(id)
        return after
      }),
    [],
  )
  useTitle('All jobs')
  return (
    <div class="all-jobs">
      <header class="all-head">
        <h1>All jobs</h1>
        <Link to="/admin/lanes">Lanes</Link>
        <Window figures={figures} />
      </header>
      <StatsPanel figures={figures} narrow={narrow} />
      <section class="card" aria-label="Jobs">
        <Tabs chosen={wanted.tab} stats={figures.stats} choose={(tab) => narrow({ tab, reason: '' })} />
        <div class="list-tools">
          <SearchFields fields={searchIn(query)} change={narrow} />
          <Bulk
            wanted={wanted}
            selected={chosen}
            done={() => {
              setSelected(new Set())
              found.reload()
            }}
          />
        </div>
        {found.error != null && (
          <Problem error={found.error} title="The list could not be loaded" retry={found.reload} />
        )}
        {found.jobs === null && found.error == null && <div class="skeleton" style={{ height: '12rem' }} />}
        {found.jobs?.length === 0 && (
          <p class="muted">
            {wanted.tab === 'attention' ? 'No job needs attention.' : 'No job is like this.'}
          </p>
        )}
        {shown.length > 0 && (
          <div class="scroll">
            <table class="plain jobs-table">
              <thead>
                <tr>
                  <th scope="col">
                    <label class="row-choice">
                      <input
                        type="checkbox"
                        aria-label="Select all that are loaded"
                        checked={chosen.length === shown.length}
                        onChange={(event) =>
                          setSelected(new Set(event.currentTarget.checked ? shown.map(({ id }) => id) : []))
                        }
                      />
                    </label>
                  </th>
                  <th scope="col">
                    <span class="visually-hidden">Picture</span>
                  </th>
                  {COLUMNS.map((name) => (
                    <th key={name} scope="col">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {shown.map((job) => (
                  <JobRow
                    key={job.id}
                    job={job}
                    selected={selected.has(job.id)}
                    toggle={toggle}
                    narrow={narrow}
                  />
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

const ORDERS: Record<keyof typeof SORTS, (a: TriagedJob, b: TriagedJob) => number> = {
  newest: (a, b) => b.created_at.localeCompare(a.created_at),
  oldest: (a, b) => a.created_at.localeCompare(b.created_at),
  longest: (a, b) => tookMs(b) - tookMs(a),
  costliest: (a, b) => b.usage.gpu_seconds - a.usage.gpu_seconds,
}

function sorted(jobs: TriagedJob[], by: string): TriagedJob[] {
  return Object.hasOwn(ORDERS, by) ? jobs.toSorted(ORDERS[by as keyof typeof SORTS]) : jobs
}

function tookMs({ created_at, finished_at }: TriagedJob): number {
  return (finished_at === null ? serverNow() : Date.parse(finished_at)) - Date.parse(created_at)
}

/** Reads the URL at the time of the click, so that the function is constant and rows need not be rendered for it. */
function narrow(more: Partial<Search>): void {
  setQueries(saidOf({ ...searchIn(new URLSearchParams(location.search)), ...more }))
}

/** The debounced search; the same object while its content is unchanged. */
function useTyped(search: Search): Search {
  const text = JSON.stringify(search)
  const [typed, setTyped] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setTyped(text), TYPED_MS)
    return () => clearTimeout(timer)
  }, [text])
  return useMemo(() => JSON.parse(typed), [typed])
}

interface TabsProps {
  chosen: string
  stats: Statistics | null
  choose: (tab: string) => void
}

function Tabs({ chosen, stats, choose }: TabsProps) {
  const counts = stats && countsOf(stats)
  return (
    <fieldset class="tabs">
      <legend class="visually-hidden">Which jobs</legend>
      {Object.entries(TABS).map(([tab, words]) => (
        <button
          key={tab}
          type="button"
          class="tab"
          data-tab={tab}
          aria-pressed={tab === chosen}
          onClick={() => choose(tab)}
        >
          {words} {counts?.[tab] !== undefined && <span class="count">{counts[tab]}</span>}
        </button>
      ))}
    </fieldset>
  )
}

/** Counts of ended jobs refer to the window of the figures. */
function countsOf({ active, attention, ended }: Statistics): Record<string, number> {
  const jobs = new Map<string, number>(Object.entries({ ...active, ...ended.by_status }))
  const tabs = [...STATUSES].map(([tab, statuses]) => [tab, sum(statuses.map((each) => jobs.get(each) ?? 0))])
  return { attention: sum(Object.values(attention)), ...Object.fromEntries(tabs) }
}

function sum(counts: number[]): number {
  return counts.reduce((all, jobs) => all + jobs, 0)
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
        onInput={(event) => change({ [name]: event.currentTarget.value })}
      />
    </label>
  )
  const { tab: _, sort: __, q: ___, ...others } = fields
  const isNarrow = Object.entries(others).some(([name, value]) => value !== ANY[name as keyof Search])
  const filters = useRef<HTMLDetailsElement>(null)
  // Opened and never closed: the reader may be typing in a filter that is empty for a moment.
  useEffect(() => {
    if (isNarrow && filters.current) filters.current.open = true
  }, [isNarrow])
  return (
    <search>
      <div class="search-fields">
        {field('q', 'Name, id or RunPod id')}
        <label>
          Order of what is loaded
          <select value={fields.sort} onChange={(event) => change({ sort: event.currentTarget.value })}>
            <option value="">{fields.tab === 'attention' ? 'Longest in need' : 'As listed'}</option>
            {Object.entries(SORTS).map(([sort, words]) => (
              <option key={sort} value={sort}>
                {words}
              </option>
            ))}
          </select>
        </label>
        {isNarrow && (
          <button
            type="button"
            class="bare"
            onClick={() => change({ ...ANY, tab: fields.tab, sort: fields.sort })}
          >
            Clear filters
          </button>
        )}
      </div>
      <details ref={filters}>
        <summary>Filters</summary>
        <div class="search-fields">
          {field('type', 'Type')}
          {field('tag', 'Tag')}
          {field('code', 'Error code')}
          {field('endpoint', 'Endpoint')}
          <label>
            Waits for a place
            <select
              value={fields.waiting}
              onChange={(event) => change({ waiting: event.currentTarget.value })}
            >
              <option value="">Either</option>
              <option value="true">Yes</option>
              <option value="false">No</option>
            </select>
          </label>
          {field('project', 'Project', 'number')}
          {field('from', 'Created after', 'datetime-local')}
          {field('until', 'Created before', 'datetime-local')}
        </div>
      </details>
    </search>
  )
}
