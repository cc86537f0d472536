import { useState } from 'preact/hooks'
import type { Job, ListedJob } from '../../../client/index.ts'
import { nameOf } from '../format.ts'
import { Link } from '../router.tsx'
import { mayWrite } from '../service.ts'
import { Confirm } from '../ui/confirm.tsx'
import { Icon, type IconName } from '../ui/icon.tsx'
import { Name } from '../ui/name.tsx'
import { allows, type Command, type Commands, canRerun, rerunPath } from './commands.ts'

interface ActionsProps {
  job: Job | ListedJob
  commands: Commands
  /** Adds the job's name to the accessible labels, for buttons in a list. */
  named?: boolean
  /** The first, highlighted action; by default Download. */
  first?: Command | 'rerun' | null
}

const BUTTONS: { command: Command; label: string; icon: IconName; tip: string; look: string }[] = [
  { command: 'download', label: 'Download', icon: 'download', tip: 'Save the finished file', look: '' },
  {
    command: 'retry',
    label: 'Retry',
    icon: 'retry',
    tip: 'Start a new round; its history is kept',
    look: '',
  },
  { command: 'cancel', label: 'Cancel', icon: 'stop', tip: 'Stop it, also on the GPU', look: '' },
  {
    command: 'delete',
    label: 'Delete',
    icon: 'trash',
    tip: 'Delete the export and its files',
    look: 'quiet',
  },
]

/** The buttons of the commands that apply to this job now. */
export function Actions({ job, commands, named, first = 'download' }: ActionsProps) {
  const [asking, setAsking] = useState(false)
  const name = nameOf(job)
  const press = (command: Command, { detail }: MouseEvent) => {
    // The second click of a double click on the button that was in this place.
    if (detail > 1) return
    if (command === 'delete') setAsking(true)
    else void commands.run(command)
  }
  const offered = BUTTONS.filter(({ command }) => allows(job, command, mayWrite()))
  offered.sort((a, b) => Number(b.command === first) - Number(a.command === first))
  const rerun = canRerun(job) && (
    <Link
      key="rerun"
      to={rerunPath(job)}
      class={`button ${first === 'rerun' ? 'primary' : ''}`}
      title="Open the studio with its video and settings"
      aria-label={named ? `Change ${name} and export again` : undefined}
    >
      <Icon name="edit" />
      <span>{named ? 'Change' : 'Change and export again'}</span>
    </Link>
  )
  const button = ({ command, label, icon, tip, look }: (typeof BUTTONS)[number]) => (
    <button
      key={command}
      type="button"
      class={command === first ? 'primary' : look}
      title={tip}
      aria-label={named ? `${label} ${name}` : undefined}
      disabled={commands.busy !== null}
      onClick={(event) => press(command, event)}
    >
      <Icon name={icon} />
      <span>{label}</span>
    </button>
  )
  // Delete comes last.
  const before = first === 'rerun' ? 0 : -1
  return (
    <div class="buttons">
      {rerun
        ? [...offered.slice(0, before).map(button), rerun, ...offered.slice(before).map(button)]
        : offered.map(button)}
      {asking && (
        <Confirm
          title={
            <>
              Delete the export of <Name>{name}</Name>?
            </>
          }
          action="Delete for good"
          onClose={() => setAsking(false)}
          onConfirm={() => void commands.run('delete')}
        >
          <p>
            {job.status === 'complete' ? 'The finished file, the' : 'The'} record of this export and its event
            log are removed for good, and links to it stop working. The uploaded video goes too, unless
            another export uses it. This cannot be undone.
          </p>
        </Confirm>
      )}
    </div>
  )
}
