import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import type { JobTypeInfo } from '../../../client/index.ts'
import { Problem } from '../ui/problem.tsx'
import { STATUSES, statusWord } from '../ui/status.tsx'
import { Chosen } from './chosen.tsx'
import { ExportRow } from './export-row.tsx'
import type { Exports, Filters } from './use-exports.ts'

interface ListProps {
  list: Exports
  filters: Filters
  types: JobTypeInfo[]
  setFilters: (filters: Filters) => void
  /** The id of the job that was just created on this page. */
  newest: string | null
}

/** Debounce of the search field. */
const TYPED_MS = 250

export function ExportList({ list, filters, types, setFilters, newest }: ListProps) {
  const [touched, setTouched] = useState<string | null>(null)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const filtered = filters.status !== '' || filters.type !== '' || filters.name !== ''
  useEffect(() => setTouched(newest), [newest])
  const choose = useCallback(
    (id: string, isChosen: boolean) =>
      setChosen((before) => {
        const next = new Set(before)
        if (isChosen) next.add(id)
        else next.delete(id)
        return next
      }),
    [],
  )
  return (
    <section class="exports" aria-labelledby="exports-title">
      <header class="section-head">
        <h2 id="exports-title">My exports</h2>
        <div class="filters">
          <Search name={filters.name} onSearch={(name) => setFilters({ ...filters, name })} />
          <select
            aria-label="Status"
            value={filters.status}
            onChange={(event) => setFilters({ ...filters, status: event.currentTarget.value })}
          >
            <option value="">Any status</option>
            {STATUSES.map((status) => (
              <option key={status} value={status}>
                {statusWord(status)}
              </option>
            ))}
          </select>
          <select
            aria-label="Type"
            value={filters.type}
            onChange={(event) => setFilters({ ...filters, type: event.currentTarget.value })}
          >
            <option value="">Any type</option>
            {types.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
      </header>
      {list.error != null && (
        <Problem error={list.error} title="The list could not be loaded" retry={list.reload} />
      )}
      {list.jobs === null && list.error == null && <ListSkeleton />}
      {list.jobs?.length === 0 && list.error == null && !list.more && (
        <p class="empty-list">
          {filtered
            ? 'No export is like this. Choose another filter to see more.'
            : 'No exports yet. Drop a video above, and the first one appears here.'}
        </p>
      )}
      {list.jobs && list.jobs.length > 0 && (
        <ul class="rows">
          {list.jobs.map((job) => (
            <ExportRow
              key={job.id}
              job={job}
              open={job.id === touched}
              chosen={chosen.has(job.id)}
              onOpen={setTouched}
              onChoose={choose}
              put={list.put}
              remove={list.remove}
            />
          ))}
        </ul>
      )}
      {list.more && list.error == null && <Rest key={list.jobs?.length} onReached={list.loadMore} />}
      <Chosen
        jobs={list.jobs?.filter(({ id }) => chosen.has(id)) ?? []}
        clear={() => setChosen(new Set())}
        list={list}
      />
    </section>
  )
}

function Search({ name, onSearch }: { name: string; onSearch: (name: string) => void }) {
  const [text, setText] = useState(name)
  const latest = useRef(onSearch)
  latest.current = onSearch
  /** The last search of this field; another one was set elsewhere, and replaces the text. */
  const own = useRef(name)
  useEffect(() => {
    if (name === own.current) return
    own.current = name
    setText(name)
  }, [name])
  useEffect(() => {
    const wanted = text.trim()
    if (wanted === own.current) return
    const timer = setTimeout(() => {
      own.current = wanted
      latest.current(wanted)
    }, TYPED_MS)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <input
      type="search"
      aria-label="Search by name"
      placeholder="Search"
      maxLength={200}
      value={text}
      onInput={(event) => setText(event.currentTarget.value)}
    />
  )
}

/** Loads the next page shortly before the end is visible. */
function Rest({ onReached }: { onReached: () => void }) {
  const here = useRef<HTMLDivElement>(null)
  const latest = useRef(onReached)
  latest.current = onReached
  useEffect(() => {
    const seen = new IntersectionObserver(
      (entries) => entries.some(({ isIntersecting }) => isIntersecting) && latest.current(),
      { rootMargin: '800px' },
    )
    if (here.current) seen.observe(here.current)
    return () => seen.disconnect()
  }, [])
  return (
    <div
      ref={here}
      class="skeleton"
      role="status"
      aria-label="Loading more of the list"
      style={{ height: '4rem' }}
    />
  )
}

function ListSkeleton() {
  return (
    <div role="status" aria-label="Loading the list" class="rows">
      {[1, 2, 3].map((each) => (
        <div key={each} class="skeleton" style={{ height: '4.5rem' }} />
      ))}
    </div>
  )
}
