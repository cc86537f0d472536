import type { ConnectionState } from '../../../client/index.ts'

/** How the page is connected to the job. Nothing is shown of one that has ended well: there is nothing to follow. */
export function Connection({ state }: { state: ConnectionState | null }) {
  if (!state) return null
  const { status, seq } = state
  if (status === 'closed') return null
  const words = {
    connecting: 'Connecting…',
    live: 'Live',
    reconnecting: 'Reconnecting…',
    resumed: `Resumed at ${seq}`,
    polling: 'Polling',
  }[status]
  const tips = {
    connecting: 'Opening a socket to the job',
    live: 'Every change is shown as it happens',
    reconnecting: 'The line is lost; what happens meanwhile is replayed',
    resumed: `Reconnected after event ${seq}; nothing was missed`,
    polling: 'No socket can be had; the service is asked instead',
  }[status]
  return (
    <span class="connection" data-connection={status} title={tips} role="status">
      {words}
    </span>
  )
}
