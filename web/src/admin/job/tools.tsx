import { useEffect, useRef, useState } from 'preact/hooks'
import type { JsonObject } from '../../../../client/index.ts'
import type { InspectedJob } from '../../../../wire/admin.ts'
import type { JobUsage } from '../../../../wire/job.ts'
import { canRerun, rerunPath } from '../../job/commands.ts'
import { Link } from '../../router.tsx'
import { announce } from '../../ui/announcer.tsx'
import { sentenceOf } from '../../ui/problem.tsx'
import { Ask } from '../ask.tsx'
import { type ActionName, act, asCurl, download } from '../calls.ts'
import { costWords, secondsWords } from '../words.ts'
import { type Asked, possible } from './advice.ts'

/** `loses`: completed, paid work is discarded. */
export const ACTIONS: Record<ActionName, { label: string; does: string; loses?: true }> = {
  retry_now: {
    label: 'Retry now',
    does: 'The next attempt starts without its pause. An ended job starts a new round.',
  },
  recheck: { label: 'Re-check with RunPod', does: 'RunPod is asked now, and told again of owed cancels.' },
  give_up: {
    label: 'Give up this attempt',
    does: 'The attempt is cancelled at RunPod, and the next one starts at once.',
    loses: true,
  },
  cancel: { label: 'Cancel', does: 'The job is cancelled, also at RunPod.', loses: true },
  force_fail: {
    label: 'Force-fail',
    does: 'The job ends in error at once, and what runs of it is cancelled.',
    loses: true,
  },
  redeliver: { label: 'Send the webhook again', does: 'The receiver gets the same message once more.' },
  extend_deadline: { label: 'Extend the deadline', does: 'The job gets longer than its policy gives it.' },
  remirror: { label: 'Write the row again', does: 'D1 is told everything about this job again.' },
  delete: {
    label: 'Delete',
    does: 'The job goes with its files, row and log; this cannot be undone.',
    loses: true,
  },
}
/** Number of visible actions; the others are in the menu “More”. */
const OPEN = 3

interface ToolsProps {
  opened: InspectedJob
  /** Called after a change of the job; true once it is being deleted. */
  changed: (left: boolean) => void
  /** An action requested here, or elsewhere on the page. */
  asked: Asked | null
  ask: (asked: Asked | null) => void
}

/** The possible actions on the job. When the service refuses one, its reason is shown. */
export function Tools({ opened, changed, asked, ask }: ToolsProps) {
  const { id } = opened.job
  const can = possible(opened)
  const button = (each: Asked) => {
    const { label, does, loses } = ACTIONS[each.action]
    return (
      <button
        key={each.action}
        type="button"
        class={loses ? 'loses' : ''}
        title={does}
        onClick={() => ask(each)}
      >
        {label}
      </button>
    )
  }
  const menu = useClosing()
  const [failure, setFailure] = useState<unknown>(null)
  const save = () => {
    setFailure(null)
    download(id).catch(setFailure)
  }
  return (
    <div class="tools">
      {can.slice(0, OPEN).map(button)}
      <details ref={menu} class="menu">
        <summary>More</summary>
        <div class="menu-items">
          {can.slice(OPEN).map(button)}
          {canRerun(opened.job) && (
            <Link
              to={rerunPath(opened.job)}
              class="button"
              title="Open the studio with its video and settings"
            >
              Change and export again
            </Link>
          )}
          <Copy id={id} />
          <button type="button" onClick={save}>
            Download as one file
          </button>
        </div>
      </details>
      {failure !== null && (
        <p class="row-error" role="alert">
          {sentenceOf(failure)}
        </p>
      )}
      {asked && <ActionDialog opened={opened} asked={asked} changed={changed} onClose={() => ask(null)} />}
    </div>
  )
}

/** A menu that closes on a click outside and on Escape, which also returns the focus to its button. */
function useClosing() {
  const menu = useRef<HTMLDetailsElement>(null)
  useEffect(() => {
    const close = ({ target }: Event) => {
      const { current } = menu
      // Content for manual copying stays visible.
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
  opened: InspectedJob
  asked: Asked
  changed: (left: boolean) => void
  onClose: () => void
}

const HOURS = [1, 6, 24, 72]

function ActionDialog({ opened: { job, actor }, asked, changed, onClose }: DialogProps) {
  const { action, delivery, attempt } = asked
  const [hours, setHours] = useState(6)
  const { label, does, loses } = ACTIONS[action]
  const more = (): JsonObject => {
    if (action === 'extend_deadline' && actor) {
      const at = Date.parse(actor.deadline.at) + hours * 3_600_000
      return { deadline_at: new Date(at).toISOString() }
    }
    return delivery === undefined ? { ...attempt } : { delivery_id: delivery }
  }
  const run = async (reason: string) => {
    const done = await act(job.id, action, reason, more())
    announce(`${label}: done.`)
    changed(done.job === null)
  }
  return (
    <Ask title={`${label}?`} action={label} danger={loses === true} run={run} onClose={onClose}>
      <p>
        {does}
        {loses && job.usage.gpu_seconds > 0 && ` ${spentWords(job.usage)}`}
      </p>
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
      // The clipboard is unavailable on an insecure origin, or not permitted: the command is shown for manual copying.
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

function spentWords({ gpu_seconds: seconds, cost }: JobUsage): string {
  return `So far it used ${secondsWords(seconds)} of a GPU${cost == null ? '' : `, ${costWords(cost)}`}.`
}
