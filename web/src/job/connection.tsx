import type { ConnectionState } from '../../../client/index.ts'
import { isUnreachable } from '../service.ts'

/** The state of the page's connection to the job. Hidden when the watch has ended normally. */
export function Connection({ state }: { state: ConnectionState | null }) {
  if (!state) return null
  const { seq } = state
  if (state.status === 'closed') return null
  const status = isUnreachable(state.status === 'polling') ? 'lost' : state.status
  const words = {
    connecting: 'Connecting…',
    live: 'Live',
    reconnecting: 'Reconnecting…',
    resumed: `Resumed at ${seq}`,
    polling: 'Polling',
    lost: 'No connection',
  }[status]
  const tips = {
    connecting: 'Opening a socket to the job',
    live: 'Every change is shown as it happens',
    reconnecting: 'The line is lost; what happens meanwhile is replayed',
    resumed: `Reconnected after event ${seq}; nothing was missed`,
    polling: 'No socket can be had; the service is asked instead',
    lost: 'The service does not answer; what happens meanwhile is shown when it does',
  }[status]
  return (
    <span class="connection" data-connection={status} title={tips} role="status">
      {words}
    </span>
  )
}
