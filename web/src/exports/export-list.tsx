import type { JobStatus, JobTypeInfo } from '../../../client/index.ts'
import { useNow } from '../ui/now.ts'
import { Problem } from '../ui/problem.tsx'
import { STATUSES, statusWord } from '../ui/status.tsx'
import { ExportRow } from './export-row.tsx'
import type { Exports, Filters } from './use-exports.ts'

interface ListProps {
  list: Exports
  filters: Filters
  types: JobTypeInfo[]
  setFilters: (filters: Filters) => void
}

export function ExportList({ list, filters, types, setFilters }: ListProps) {
  const now = useNow()
  const filtered = filters.status !== '' || filters.type !== ''
  return (
    <section class="exports" aria-labelledby="exports-title">
      <header class="section-head">
        <h2 id="exports-title">My exports</h2>
        <div class="filters">
          <select
            aria-label="Status"
            value={filters.status}
            onChange={(event) =>
              setFilters({ ...filters, status: event.currentTarget.value as JobStatus | '' })
            }
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
      {list.jobs?.length === 0 && list.error == null && (
        <p class="empty-list">
          {filtered
            ? 'No export is like this. Choose another filter to see more.'
            : 'No exports yet. Drop a video above, and the first one appears here.'}
        </p>
      )}
      {list.jobs && list.jobs.length > 0 && (
        <ul class="rows">
          {list.jobs.map((job) => (
            <ExportRow key={job.id} job={job} now={now} put={list.put} remove={list.remove} />
          ))}
        </ul>
      )}
      {list.more && (
        <button type="button" class="more" disabled={list.busy} onClick={list.loadMore}>
          {list.busy ? 'Loading…' : 'Load more'}
        </button>
      )}
    </section>
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
