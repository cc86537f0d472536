import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef, useState } from 'preact/hooks'
import { Problem } from '../ui/problem.tsx'

interface AskProps {
  title: string
  action: string
  /** What it does, and whatever else must be known for it. */
  children?: ComponentChildren
  /** Carries it out; the dialog stays and says why when it is refused. */
  run: (reason: string) => Promise<void>
  onClose: () => void
}

/** Asks why before something is done by hand: the answer is kept in the job's log. */
export function Ask({ title, action, children, run, onClose }: AskProps) {
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
          <button type="submit" class="primary" disabled={busy || reason.trim() === ''}>
            {action}
          </button>
        </div>
      </form>
    </dialog>
  )
}
