import type { InspectedActor } from '../../../../wire/admin.ts'
import { absolute, relative } from '../../format.ts'
import { codeWords, sentenceOf } from '../words.ts'

/** Why the job is where it is and what comes next, each finding in one sentence; and every clock that runs. */
export function NowNext({ actor, now }: { actor: InspectedActor; now: number }) {
  const { findings, clocks, alarm_at: alarm, wakes, instances, storage, sockets } = actor
  return (
    <section class="card now-next" aria-labelledby="now-title">
      <h2 id="now-title">Now and next</h2>
      <ul class="findings">
        {findings.map((finding) => (
          <li key={finding.code + finding.cause} data-finding={finding.code}>
            {sentenceOf(finding, now)}
          </li>
        ))}
      </ul>
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
        {alarm ? `The alarm rings ${relative(alarm, now)}.` : 'No alarm is set.'} {wakes} wakes, {instances}{' '}
        {instances === 1 ? 'instance' : 'instances'}, {storage.rows} rows, {Math.ceil(storage.bytes / 1024)}{' '}
        kB, {sockets.count} {sockets.count === 1 ? 'watcher' : 'watchers'}
        {sockets.list.map(({ since, last_seq: seq }) => ` · since ${absolute(since, now)}, told ${seq}`)}.
      </p>
    </section>
  )
}
