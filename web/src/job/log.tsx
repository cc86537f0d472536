import type { Job, JobEvent } from '../../../client/index.ts'
import { absolute } from '../format.ts'
import { Name } from '../ui/name.tsx'
import { eventWords } from './timeline.ts'

/** The numbered log of the job, newest first. */
export function Log({ job, events, now }: { job: Job; events: JobEvent[]; now: number }) {
  const save = () => {
    const text = JSON.stringify({ job, events }, null, 2)
    const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }))
    const link = document.createElement('a')
    link.href = url
    link.download = `${job.id}.json`
    link.click()
    setTimeout(() => URL.revokeObjectURL(url), 10_000)
  }
  return (
    <details class="log">
      <summary>
        Event log <span class="muted">{events.length}</span>
      </summary>
      {events.length === 0 ? (
        <p class="muted">{job.archived ? 'The log went with the job’s retention.' : 'Nothing yet.'}</p>
      ) : (
        <>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
          <section class="log-table" aria-label="Lines of the log" tabIndex={0}>
            <table>
              <thead>
                <tr>
                  <th scope="col">#</th>
                  <th scope="col">When</th>
                  <th scope="col">What</th>
                  <th scope="col">Attempt</th>
                  <th scope="col">Details</th>
                </tr>
              </thead>
              <tbody>
                {events.toReversed().map((event) => (
                  <tr key={event.seq} data-event={event.type}>
                    <td>{event.seq}</td>
                    <td>
                      <time dateTime={event.at}>{absolute(event.at, now)}</time>
                    </td>
                    <td>{eventWords(event.type)}</td>
                    <td>{event.attempt ? `${event.round}-${event.attempt}` : ''}</td>
                    <td>{detailsOf(event)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
          <button type="button" class="quiet" onClick={save}>
            Save job and log as JSON
          </button>
        </>
      )}
    </details>
  )
}

function detailsOf({ data }: JobEvent) {
  return Object.entries(data)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => (
      <span key={name} class="pair">
        <span class="muted">{name.replaceAll('_', ' ')}</span> <Name>{String(value)}</Name>
      </span>
    ))
}
