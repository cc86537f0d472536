import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { Problem } from '../ui/problem.tsx'

interface AskProps {
  title: string
  action: string
  /** Whether data is lost. */
  danger?: boolean
  /** A description of the effect, and further inputs. */
  children?: ComponentChildren
  /** Runs the action; when it is refused, the dialog stays open and shows the error. */
  run: (reason: string) => Promise<void>
  onClose: () => void
}

/** Requests a reason before a manual action; the job's log records it. */
export function Ask({ title, action, danger = false, children, run, onClose }: AskProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  const [reason, setReason] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<unknown>(null)
  useEffect(() => dialog.current?.showModal(), [])
  const submit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setError(null)
    try {
      await run(reason.trim())
      dialog.current?.close()
    } catch (refused) {
      setError(refused)
    } finally {
      setBusy(false)
    }
  }
  return (
    <dialog ref={dialog} class="confirm ask" aria-labelledby={titleId} onClose={onClose}>
      <form onSubmit={(event) => void submit(event)}>
        <h2 id={titleId}>{title}</h2>
        {children}
        <label class="ask-reason">
          Why, for the log
          <input
            type="text"
            required
            maxLength={500}
            value={reason}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
        {error != null && <Problem error={error} title="That was refused" />}
        <div class="buttons">
          <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
            Leave it
          </button>
          <button type="submit" class={danger ? 'danger' : 'primary'} disabled={busy || reason.trim() === ''}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  )
}
