import { useState } from 'preact/hooks'
import type { Job, ListedJob } from '../../../client/index.ts'
import { allows, type Command, carryOut } from '../job/commands.ts'
import { mayWrite } from '../service.ts'
import { announce } from '../ui/announcer.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { sentenceOf } from '../ui/problem.tsx'
import type { Exports } from './use-exports.ts'

interface ChosenProps {
  jobs: (Job | ListedJob)[]
  clear: () => void
  list: Pick<Exports, 'put' | 'remove'>
}

const COMMANDS: [Command, label: string, look: string][] = [
  ['download', 'Download', 'primary'],
  ['cancel', 'Cancel', ''],
  ['delete', 'Delete', 'danger'],
]

/** Actions on several jobs. One after another, so that the browser handles each download separately. */
export function Chosen({ jobs, clear, list }: ChosenProps) {
  const [busy, setBusy] = useState(false)
  const [failures, setFailures] = useState<string[]>([])
  const [asking, setAsking] = useState(false)
  if (jobs.length === 0) return null
  const allowed = (command: Command) => jobs.filter((job) => allows(job, command, mayWrite()))
  const run = async (command: Command) => {
    setBusy(true)
    const failed: string[] = []
    for (const job of allowed(command)) {
      try {
        const after = await carryOut(job, command)
        if (after === null) list.remove(job.id)
        else list.put(after)
      } catch (reason) {
        failed.push(sentenceOf(reason))
      }
    }
    setBusy(false)
    setFailures([...new Set(failed)])
    announce(failed.length === 0 ? 'Done.' : `${failed.length} did not work.`)
    if (failed.length === 0) clear()
  }
  const many = allowed('delete').length
  return (
    <section class="chosen" aria-label="Chosen exports">
      <strong>{jobs.length} chosen</strong>
      {failures.map((each) => (
        <span key={each} class="field-error" role="alert">
          {each}
        </span>
      ))}
      <span class="spacer" />
      {COMMANDS.map(([command, label, look]) => {
        const count = allowed(command).length
        return (
          <button
            key={command}
            type="button"
            class={look}
            disabled={busy || count === 0}
            onClick={() => (command === 'delete' ? setAsking(true) : void run(command))}
          >
            {label} {count}
          </button>
        )
      })}
      <button type="button" class="bare" onClick={clear}>
        Clear
      </button>
      {asking && (
        <Confirm
          title={`Delete ${many === 1 ? 'one export' : `${many} exports`}?`}
          action="Delete for good"
          onClose={() => setAsking(false)}
          onConfirm={() => void run('delete')}
        >
          <p>Their finished files, records and event logs are removed for good. This cannot be undone.</p>
        </Confirm>
      )}
    </section>
  )
}
