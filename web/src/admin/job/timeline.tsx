import type { JobEvent } from '../../../../client/index.ts'
import type { InspectedAttempt } from '../../../../wire/admin.ts'
import { absolute, duration } from '../../format.ts'
import { eventWords } from '../../job/timeline.ts'
import { type MarkKind, timelineOf } from './lanes.ts'

interface TimelineProps {
  attempts: readonly InspectedAttempt[]
  events: readonly JobEvent[]
  span: { createdAt: string; finishedAt: string | null }
  now: number
  selected: number | null
  select: (seq: number) => void
}

const KINDS: Record<MarkKind, string> = {
  report: 'Worker’s report',
  callback: 'RunPod’s webhook',
  alarm: 'Alarm',
  webhook: 'Webhook to you',
  operator: 'By hand',
}

/** A lane for each attempt, in one scale of time; each mark is an event, and leads to its line in the log. */
export function Timeline({ attempts, events, span, now, selected, select }: TimelineProps) {
  const { from, to, lanes } = timelineOf(attempts, events, span, now)
  const place = (instant: number) => `${((instant - from) / (to - from)) * 100}%`
  const iso = (instant: number) => absolute(new Date(instant).toISOString(), now)
  return (
    <section class="card lanes" aria-labelledby="timeline-title">
      <header class="section-head">
        <h2 id="timeline-title">Timeline</h2>
        <ul class="lane-key" aria-label="Marks">
          {Object.entries(KINDS).map(([kind, words]) => (
            <li key={kind} data-kind={kind}>
              {words}
            </li>
          ))}
        </ul>
      </header>
      <div class="lane-list">
        {lanes.map(({ name, outcome, bars, end, marks }) => (
          <div key={name} class="lane" data-outcome={outcome}>
            <span class="lane-name">{name}</span>
            <div class="lane-track">
              {bars.map((bar) => (
                <span
                  key={bar.kind}
                  class="lane-bar"
                  data-kind={bar.kind}
                  title={`${BARS[bar.kind]} ${duration(bar.to - bar.from)}`}
                  style={{ left: place(bar.from), width: `${((bar.to - bar.from) / (to - from)) * 100}%` }}
                />
              ))}
              {marks.map((mark) => (
                <button
                  key={mark.seq}
                  type="button"
                  class="mark"
                  data-kind={mark.kind}
                  aria-pressed={selected === mark.seq}
                  aria-label={`Event ${mark.seq}: ${eventWords(mark.type)}, ${KINDS[mark.kind]}`}
                  title={`${eventWords(mark.type)} · ${iso(mark.at)}`}
                  style={{ left: place(mark.at) }}
                  onClick={() => select(mark.seq)}
                />
              ))}
            </div>
            <span class="lane-end">{end}</span>
          </div>
        ))}
      </div>
      <p class="lane-scale muted small">
        <span>{iso(from)}</span>
        <span>{duration(to - from)} in all</span>
        <span>{iso(to)}</span>
      </p>
    </section>
  )
}

const BARS = { sent: 'Being sent', queue: 'In the queue', run: 'Running' } as const
