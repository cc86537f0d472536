import { useEffect, useState } from 'preact/hooks'
import type { JobTypeInfo } from '../../../client/index.ts'
import { ExportList } from '../exports/export-list.tsx'
import { type Filters, useExports } from '../exports/use-exports.ts'
import { useLocation } from '../router.tsx'
import { exportal, projectId } from '../service.ts'
import { Problem } from '../ui/problem.tsx'
import { NewExport } from './new-export.tsx'

const ALL = { status: '', type: '', name: '' }

/** Creates exports, and lists the existing ones. */
export function Studio() {
  // Renders again when the address changes, since it contains the project.
  useLocation()
  const project = projectId()
  const [chosen, setChosen] = useState<Omit<Filters, 'projectId'>>(ALL)
  const filters: Filters = { ...chosen, projectId: project }
  const list = useExports(filters)
  const [newest, setNewest] = useState<string | null>(null)
  const [types, error, again] = useJobTypes()

  return (
    <div class="studio">
      <h1 class="visually-hidden">Studio</h1>
      {error != null && (
        <Problem
          error={error}
          title="The studio could not be prepared"
          retry={() => {
            again()
            list.reload()
          }}
        />
      )}
      {error == null && (
        <NewExport
          key={project}
          types={types}
          onCreated={(job) => {
            // A filter that hides the new export would make it look lost.
            if (chosen.status || chosen.type || chosen.name) setChosen(ALL)
            setNewest(job.id)
            list.put(job)
          }}
        />
      )}
      <ExportList list={list} filters={filters} types={types ?? []} setFilters={setChosen} newest={newest} />
    </div>
  )
}

function useJobTypes(): [JobTypeInfo[] | null, unknown, () => void] {
  const [types, setTypes] = useState<JobTypeInfo[] | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [tries, setTries] = useState(0)
  useEffect(() => {
    const stop = new AbortController()
    setError(null)
    exportal.jobTypes({ signal: stop.signal }).then(setTypes, (reason: unknown) => {
      if (!stop.signal.aborted) setError(reason)
    })
    return () => stop.abort()
  }, [tries])
  return [types, error, () => setTries(tries + 1)]
}
