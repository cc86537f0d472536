import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'

interface ConfirmProps {
  title: ComponentChildren
  /** A description of the effect. */
  children: ComponentChildren
  action: string
  onConfirm: () => void
  onClose: () => void
}

/** Asks for confirmation before an irreversible action. The native dialog traps the focus and returns it. */
export function Confirm({ title, children, action, onConfirm, onClose }: ConfirmProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const titleId = useId()
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby={titleId} onClose={onClose}>
      <form
        method="dialog"
        onSubmit={(event) => {
          if (event.submitter?.getAttribute('value') === 'yes') onConfirm()
        }}
      >
        <h2 id={titleId}>{title}</h2>
        {children}
        <div class="buttons">
          <button type="submit" value="no" class="quiet" autofocus>
            Keep it
          </button>
          <button type="submit" value="yes" class="danger">
            {action}
          </button>
        </div>
      </form>
    </dialog>
  )
}
