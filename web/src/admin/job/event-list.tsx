import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { JobEvent } from '../../../../client/index.ts'
import { absolute } from '../../format.ts'
import { eventWords } from '../../job/timeline.ts'
import { isTrouble, matches } from './search.ts'

/** Row height in pixels, as in admin.css; a fixed one, so that only visible rows are rendered. */
const ROW = 34
const BEYOND = 12

interface EventListProps {
  events: readonly JobEvent[]
  filling: boolean
  now: number
  selected: number | null
  select: (seq: number | null) => void
}

/**
 * The log, oldest first, with search and a filter for trouble; its selection is shared with the timeline and the URL.
 */
export function EventList({ events, filling, now, selected, select }: EventListProps) {
  const [words, setWords] = useState('')
  const [errorsOnly, setErrorsOnly] = useState(false)
  const shown = useMemo(
    () => events.filter((event) => (!errorsOnly || isTrouble(event)) && matches(event, words)),
    [events, words, errorsOnly],
  )
  const search = useRef<HTMLInputElement>(null)
  useKeys({
    j: () => select((shown[shown.findIndex(({ seq }) => seq === selected) + 1] ?? shown.at(-1))?.seq ?? null),
    k: () => select((shown[shown.findIndex(({ seq }) => seq === selected) - 1] ?? shown[0])?.seq ?? null),
    e: () => setErrorsOnly(!errorsOnly),
    '/': () => search.current?.focus(),
  })
  return (
    <section class="events" aria-labelledby="events-title">
      <header class="section-head">
        <h2 id="events-title">
          Events <span class="muted small">{countWords(shown.length, events.length, filling)}</span>
        </h2>
        <div class="filters">
          <input
            ref={search}
            type="text"
            aria-label="Search the events"
            aria-keyshortcuts="/"
            placeholder="Search, j k to walk, e for errors"
            value={words}
            onInput={(event) => setWords(event.currentTarget.value)}
          />
          <label class="check">
            <input
              type="checkbox"
              checked={errorsOnly}
              onChange={(event) => setErrorsOnly(event.currentTarget.checked)}
            />
            Errors only
          </label>
        </div>
      </header>
      <Rows events={shown} now={now} selected={selected} select={select} />
    </section>
  )
}

/** Single-key shortcuts, inactive in input fields and dialogs. */
function useKeys(keys: Record<string, () => void>): void {
  const latest = useRef(keys)
  latest.current = keys
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const { key, target, ctrlKey, metaKey, altKey } = event
      const typing = target instanceof Element && target.closest('input, textarea, select, dialog')
      const act = Object.hasOwn(latest.current, key) ? latest.current[key] : undefined
      if (!act || typing || ctrlKey || metaKey || altKey) return
      event.preventDefault()
      act()
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  }, [])
}

function countWords(shown: number, all: number, filling: boolean): string {
  const of = shown === all ? String(all) : `${shown} of ${all}`
  return filling ? `${of}, more coming` : of
}

function Rows({ events, now, selected, select }: Omit<EventListProps, 'filling'>) {
  const box = useRef<HTMLOListElement>(null)
  const [top, setTop] = useState(0)
  const [height, setHeight] = useState(400)
  useEffect(() => {
    const element = box.current
    if (!element) return
    const watch = new ResizeObserver(() => setHeight(element.clientHeight))
    watch.observe(element)
    return () => watch.disconnect()
  }, [])
  const index = events.findIndex(({ seq }) => seq === selected)
  useEffect(() => {
    const element = box.current
    if (!element || index < 0) return
    const at = index * ROW
    const inSight = at >= element.scrollTop && at + ROW <= element.scrollTop + element.clientHeight
    if (!inSight) element.scrollTop = at - element.clientHeight / 2
  }, [index])
  useEffect(() => {
    // Moves the focus to the selected row.
    if (!box.current?.contains(document.activeElement)) return
    box.current.querySelector<HTMLButtonElement>('[aria-pressed="true"]')?.focus({ preventScroll: true })
  })
  const move = (event: KeyboardEvent, from: number) => {
    const step = STEPS.get(event.key)
    const target = step === undefined ? undefined : events[clamp(from + step, events.length)]
    if (!target) return
    event.preventDefault()
    select(target.seq)
  }
  const first = Math.max(0, Math.floor(top / ROW) - BEYOND)
  const last = Math.min(events.length, Math.ceil((top + height) / ROW) + BEYOND)
  const reachable = index >= first && index < last ? index : first
  return (
    <ol ref={box} class="event-rows" onScroll={(event) => setTop(event.currentTarget.scrollTop)}>
      <li aria-hidden="true" style={{ height: `${events.length * ROW}px` }} />
      {events.slice(first, last).map((event, offset) => (
        <li key={event.seq} style={{ transform: `translateY(${(first + offset) * ROW}px)` }}>
          <button
            type="button"
            class="event-row"
            data-event={event.type}
            data-trouble={isTrouble(event)}
            aria-pressed={event.seq === selected}
            tabIndex={first + offset === reachable ? 0 : -1}
            onClick={() => select(event.seq)}
            onKeyDown={(key) => move(key, first + offset)}
          >
            <span class="muted">{event.seq}</span>
            <time dateTime={event.at}>{absolute(event.at, now)}</time>
            <span class="event-type">{eventWords(event.type)}</span>
            <span class="muted">{event.attempt ? `${event.round}-${event.attempt}` : ''}</span>
            <span class="event-data muted">{summaryOf(event)}</span>
          </button>
        </li>
      ))}
      {events.length === 0 && <li class="events-none muted">No event is like this.</li>}
    </ol>
  )
}

const STEPS = new Map([
  ['ArrowDown', 1],
  ['ArrowUp', -1],
  ['PageDown', 10],
  ['PageUp', -10],
])

function clamp(index: number, length: number): number {
  return Math.min(length - 1, Math.max(0, index))
}

function summaryOf({ data }: JobEvent): string {
  return Object.entries(data)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${String(value)}`)
    .join(' · ')
}

export function Raw({ event, close }: { event: JobEvent; close: () => void }) {
  return (
    <section class="event-raw" aria-label={`Event ${event.seq}`}>
      <header>
        <strong>
          Event {event.seq}: {eventWords(event.type)}
        </strong>
        <button type="button" class="bare" onClick={close}>
          Close
        </button>
      </header>
      <pre>{JSON.stringify(event, null, 2)}</pre>
    </section>
  )
}
