import { useRef, useState } from 'preact/hooks'
import {
  type CreateJob,
  ExportalError,
  type FieldError,
  type Job,
  type JsonObject,
} from '../../../client/index.ts'
import { isSame } from '../form/pointer.ts'
import { exportal, projectId } from '../service.ts'

type Wanted = { type: string; params: JsonObject; metadata?: JsonObject } & (
  | { input_video_key: string }
  | { input_video_url: string }
)

export interface Creation {
  busy: boolean
  error: unknown
  /** Refusals by field. */
  errors: readonly FieldError[]
  created: Job | null
  create(wanted: Wanted): Promise<Job | null>
  /** Called when the params change: clears the refusals of changed ones. */
  edited(before: JsonObject, after: JsonObject): void
  reset(): void
}

/** Creates exports. A retry after a failed connection repeats the same request, so that no second export is created. */
export function useCreate(): Creation {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  const [created, setCreated] = useState<Job | null>(null)
  const asked = useRef({ text: '', key: '' })

  const create = async (wanted: Wanted) => {
    const body = { ...wanted, project_id: projectId() }
    const text = JSON.stringify(body)
    if (text !== asked.current.text) asked.current = { text, key: newKey() }
    setBusy(true)
    setError(null)
    setCreated(null)
    try {
      // The service validates the params: its schema may contain types that the client does not have.
      const { job } = await exportal.jobs.create(body as CreateJob, { idempotencyKey: asked.current.key })
      asked.current = { text: '', key: '' }
      setCreated(job)
      return job
    } catch (reason) {
      setError(reason)
      return null
    } finally {
      setBusy(false)
    }
  }
  const edited = (before: JsonObject, after: JsonObject) => {
    if (!(error instanceof ExportalError) || error.errors.length === 0) return
    const left = error.errors.filter(({ pointer }) => isSame({ params: before }, { params: after }, pointer))
    if (left.length === error.errors.length) return
    const { status, code, detail, requestId } = error
    setError(left.length === 0 ? null : new ExportalError({ status, code, detail, requestId, errors: left }))
  }
  const reset = () => {
    setError(null)
    setCreated(null)
  }
  const errors = error instanceof ExportalError ? error.errors : []
  return { busy, error, errors, created, create, edited, reset }
}

/** Not crypto.randomUUID, which browsers have only on secure origins. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}
