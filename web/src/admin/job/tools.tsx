import { useEffect, useRef, useState } from 'preact/hooks'
import type { InspectedActor } from '../../../../wire/admin.ts'
import { announce } from '../../ui/announcer.tsx'
import { Ask } from '../ask.tsx'
import { type ActionName, act, asCurl, download } from '../calls.ts'

const ACTIONS: Record<ActionName, { label: string; does: string }> = {
  retry_now: {
    label: 'Retry now',
    does: 'The next attempt starts without its pause. An ended job starts a new round.',
  },
  recheck: { label: 'Re-check with RunPod', does: 'RunPod is asked now, and told again of owed cancels.' },
  cancel: { label: 'Cancel', does: 'The job is cancelled, also at RunPod.' },
  force_fail: {
    label: 'Force-fail',
    does: 'The job ends in error at once, and what runs of it is cancelled.',
  },
  redeliver: { label: 'Send the webhook again', does: 'The receiver gets the same message once more.' },
  extend_deadline: { label: 'Extend the deadline', does: 'The job gets longer than its policy gives it.' },
  remirror: { label: 'Write the row again', does: 'D1 is told everything about this job again.' },
  delete: {
    label: 'Delete',
    does: 'An ended job goes with its files, row and log; this cannot be undone. An active one is cancelled.',
  },
}
/** Those that stand open; the others are behind “More”. */
const FIRST: readonly ActionName[] = ['retry_now', 'recheck', 'cancel']
const MORE: readonly ActionName[] = ['force_fail', 'extend_deadline', 'remirror', 'delete']

export interface Asked {
  action: ActionName
  /** Which webhook is to be sent again. */
  delivery?: string
}

interface ToolsProps {
  id: string
  actor: InspectedActor | null
  /** The job is another now; null once it is being deleted. */
  changed: (left: boolean) => void
  /** Asked for here, or elsewhere on the page. */
  asked: Asked | null
  ask: (asked: Asked | null) => void
}

/** Everything an operator can do with the job. What the service refuses, it says why. */
export function Tools({ id, actor, changed, asked, ask }: ToolsProps) {
  const button = (action: ActionName) => (
    <button key={action} type="button" title={ACTIONS[action].does} onClick={() => ask({ action })}>
      {ACTIONS[action].label}
    </button>
  )
  const menu = useClosing()
  return (
    <div class="tools">
      {actor && FIRST.map(button)}
      <details ref={menu} class="menu">
        <summary>More</summary>
        <div class="menu-items">
          {actor ? MORE.map(button) : button('delete')}
          <Copy id={id} />
          <button type="button" onClick={() => void download(id)}>
            Download as one file
          </button>
        </div>
      </details>
      {asked && (
        <ActionDialog
          id={id}
          asked={asked}
          deadline={actor?.deadline.at ?? null}
          changed={changed}
          onClose={() => ask(null)}
        />
      )}
    </div>
  )
}

/** A menu that closes when something else is pressed, or Escape; Escape gives the focus back to what opened it. */
function useClosing() {
  const menu = useRef<HTMLDetailsElement>(null)
  useEffect(() => {
    const close = ({ target }: Event) => {
      const { current } = menu
      // What is copied by hand stays in sight.
      const inside = target instanceof Element && current?.contains(target)
      if (current && (!inside || target.closest('.menu-items > button'))) current.open = false
    }
    const leave = ({ key }: KeyboardEvent) => {
      if (key !== 'Escape' || !menu.current?.open) return
      menu.current.open = false
      menu.current.querySelector('summary')?.focus()
    }
    addEventListener('click', close)
    addEventListener('keydown', leave)
    return () => {
      removeEventListener('click', close)
      removeEventListener('keydown', leave)
    }
  }, [])
  return menu
}

interface DialogProps {
  id: string
  asked: Asked
  deadline: string | null
  changed: (left: boolean) => void
  onClose: () => void
}

const HOURS = [1, 6, 24, 72]

function ActionDialog({ id, asked: { action, delivery }, deadline, changed, onClose }: DialogProps) {
  const [hours, setHours] = useState(6)
  const { label, does } = ACTIONS[action]
  const run = async (reason: string) => {
    const more =
      action === 'extend_deadline' && deadline
        ? { deadline_at: new Date(Date.parse(deadline) + hours * 3_600_000).toISOString() }
        : delivery === undefined
          ? {}
          : { delivery_id: delivery }
    const { job } = await act(id, action, reason, more)
    announce(`${label}: done.`)
    changed(job === null)
  }
  return (
    <Ask title={`${label}?`} action={label} run={run} onClose={onClose}>
      <p>{does}</p>
      {action === 'extend_deadline' && (
        <label class="ask-reason">
          By
          <select value={hours} onChange={(event) => setHours(Number(event.currentTarget.value))}>
            {HOURS.map((each) => (
              <option key={each} value={each}>
                {each} {each === 1 ? 'hour' : 'hours'}
              </option>
            ))}
          </select>
        </label>
      )}
    </Ask>
  )
}

function Copy({ id }: { id: string }) {
  const [shown, setShown] = useState(false)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(asCurl(id))
      announce('Command copied.')
    } catch {
      // No clipboard on an insecure origin, or not allowed: it is shown to be copied by hand.
      setShown(true)
    }
  }
  return (
    <>
      <button type="button" onClick={() => void copy()}>
        Copy as curl
      </button>
      {shown && <input type="text" readOnly aria-label="Command" value={asCurl(id)} />}
    </>
  )
}
