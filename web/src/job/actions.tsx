import { useState } from 'preact/hooks'
import type { Job, ListedJob } from '../../../client/index.ts'
import { fileName } from '../format.ts'
import { mayWrite } from '../service.ts'
import { Confirm } from '../ui/confirm.tsx'
import { Icon, type IconName } from '../ui/icon.tsx'
import { allows, type Command, type Commands } from './commands.ts'

interface ActionsProps {
  job: Job | ListedJob
  commands: Commands
  /** In a list the name of the job is added for who hears the buttons out of their place. */
  named?: boolean
}

const BUTTONS: { command: Command; label: string; icon: IconName; tip: string; look: string }[] = [
  {
    command: 'download',
    label: 'Download',
    icon: 'download',
    tip: 'Save the finished file',
    look: 'primary',
  },
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

/** The buttons of what may be done to this job now. */
export function Actions({ job, commands, named }: ActionsProps) {
  const [asking, setAsking] = useState(false)
  const name = fileName(job.input_video_key)
  const press = (command: Command) => {
    if (command === 'delete') setAsking(true)
    else void commands.run(command)
  }
  return (
    <div class="buttons">
      {BUTTONS.filter(({ command }) => allows(job, command, mayWrite())).map(
        ({ command, label, icon, tip, look }) => (
          <button
            key={command}
            type="button"
            class={look}
            title={tip}
            aria-label={named ? `${label} ${name}` : undefined}
            disabled={commands.busy !== null}
            onClick={() => press(command)}
          >
            <Icon name={icon} />
            <span>{label}</span>
          </button>
        ),
      )}
      {asking && (
        <Confirm
          title={`Delete the export of ${name}?`}
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
