import type { JobEvent } from '../../../../client/index.ts'
import type { InspectedAttempt } from '../../../../wire/admin.ts'
import { absolute, duration } from '../../format.ts'
import { eventWords } from '../../job/timeline.ts'
import { type Bar, type MarkKind, type Span, timelineOf } from './lanes.ts'

interface TimelineProps {
  attempts: readonly InspectedAttempt[]
  events: readonly JobEvent[]
  span: Span
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

const BARS: Record<Bar['kind'], string> = {
  backoff: 'Pause',
  sent: 'Being sent',
  queue: 'In the queue',
  run: 'Running',
  silence: 'No report',
}

/** A bar shorter than this fraction of the axis has no label. */
const WORDS_FROM = 0.09
const TICKS = 4

/** A waterfall on one time axis; each mark is an event, and links to its line in the log. */
export function Timeline({ attempts, events, span, now, selected, select }: TimelineProps) {
  const { from, to, lanes } = timelineOf(attempts, events, span, now)
  const share = (ms: number) => ms / (to - from)
  const place = (instant: number) => `${share(instant - from) * 100}%`
  const iso = (instant: number) => absolute(new Date(instant).toISOString(), now)
  return (
    <section class="lanes" aria-labelledby="timeline-title">
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
              {bars.map((bar) => {
                const words = `${BARS[bar.kind]} ${duration(bar.to - bar.from)}`
                return (
                  <span
                    key={bar.kind + bar.from}
                    class="lane-bar"
                    data-kind={bar.kind}
                    title={`${words}, since ${iso(bar.from)}`}
                    style={{ left: place(bar.from), width: `${share(bar.to - bar.from) * 100}%` }}
                  >
                    {share(bar.to - bar.from) > WORDS_FROM && bar.kind !== 'sent' && (
                      <span>{duration(bar.to - bar.from)}</span>
                    )}
                  </span>
                )
              })}
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
        {Array.from({ length: TICKS + 1 }, (_, tick) => (
          <span key={tick}>{tick === 0 ? iso(from) : `+${duration(((to - from) * tick) / TICKS)}`}</span>
        ))}
      </p>
    </section>
  )
}
