import type { InspectedActor, InspectedJob } from '../../../../wire/admin.ts'
import { absolute, relative } from '../../format.ts'
import { Link } from '../../router.tsx'
import { codeWords, sentenceOf } from '../words.ts'
import { type Asked, advised, isHeld } from './advice.ts'
import { ACTIONS } from './tools.tsx'

interface NowNextProps {
  opened: InspectedJob
  actor: InspectedActor
  now: number
  ask: (asked: Asked) => void
}

/** Why the job is in its state and what comes next: each finding as a sentence, with the recommended action. */
export function NowNext({ opened, actor, now, ask }: NowNextProps) {
  const { findings, clocks, alarm_at: alarm, wakes, instances, storage, sockets } = actor
  return (
    <section class="now-next" aria-labelledby="now-title">
      <h2 id="now-title">Now and next</h2>
      <ul class="findings">
        {findings.map((finding) => {
          const held = isHeld(finding, opened)
          const advice = held ? null : advised(finding, opened)
          return (
            <li key={finding.code + finding.cause} data-finding={finding.code}>
              <span>{sentenceOf(finding, now)}</span>
              {held && (
                <Link to="/admin/lanes" class="button primary">
                  See its lane
                </Link>
              )}
              {advice && (
                <button type="button" class="primary" onClick={() => ask(advice)}>
                  {ACTIONS[advice.action].label}
                </button>
              )}
            </li>
          )
        })}
      </ul>
      <details>
        <summary>
          {clocks.length} {clocks.length === 1 ? 'clock' : 'clocks'},{' '}
          {alarm ? `the alarm rings ${relative(alarm, now)}` : 'no alarm is set'}
        </summary>
        <table class="plain">
          <caption class="visually-hidden">Clocks</caption>
          <thead>
            <tr>
              <th scope="col">Clock</th>
              <th scope="col">Due</th>
              <th scope="col">What happens</th>
            </tr>
          </thead>
          <tbody>
            {clocks.map(({ name, what, at }) => (
              <tr key={name + at}>
                <th scope="row">{codeWords(name)}</th>
                <td>
                  <time dateTime={at} title={absolute(at, now)}>
                    {relative(at, now)}
                  </time>
                </td>
                <td class="muted">{what}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <p class="muted small">
          {wakes} wakes, {instances} {instances === 1 ? 'instance' : 'instances'}, {storage.rows} rows,{' '}
          {Math.ceil(storage.bytes / 1024)} kB, {sockets.count} {sockets.count === 1 ? 'watcher' : 'watchers'}
          {sockets.list.map(({ since, last_seq: seq }) => ` · since ${absolute(since, now)}, told ${seq}`)}.
        </p>
      </details>
    </section>
  )
}
