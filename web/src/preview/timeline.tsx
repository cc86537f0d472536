import type { ComponentChildren } from 'preact'
import { useContext } from 'preact/hooks'
import type { Json, JsonObject } from '../../../client/index.ts'
import { FormContext } from '../form/context.ts'
import { isObject } from '../form/schema.ts'
import { clock } from '../format.ts'
import { Icon } from '../ui/icon.tsx'
import { numberOf, rounded } from './geometry.ts'
import { itemPointer, labelFor } from './overlay-layer.tsx'

interface TimelineProps {
  type: string
  params: JsonObject
  onChange: (params: JsonObject) => void
  durationSeconds: number
  seconds: number
  playing: boolean
  toggle: () => void
  seek: (seconds: number) => void
  /** Shown beside the clock. */
  children: ComponentChildren
}

/** A single time axis: the playhead, the span of a trim, and a bar for each item of an overlay. */
export function Timeline(props: TimelineProps) {
  const { type, params, onChange, durationSeconds, seconds, playing, toggle, seek, children } = props
  const { selected, select } = useContext(FormContext)
  const items: Json[] = type === 'overlay' && Array.isArray(params.items) ? params.items : []
  const shared = { durationSeconds, seek }
  return (
    <div class="timeline">
      <div class="transport">
        <button type="button" class="bare" aria-label={playing ? 'Pause' : 'Play'} onClick={toggle}>
          <Icon name={playing ? 'pause' : 'play'} />
        </button>
        <span class="time">
          {clock(seconds)} <span class="muted">/ {clock(durationSeconds)}</span>
        </span>
        <span class="spacer" />
        {children}
      </div>
      <div class="tracks">
        <div class="track playhead-track">
          <input
            type="range"
            aria-label="Position"
            min="0"
            max={durationSeconds}
            step="0.01"
            value={seconds}
            aria-valuetext={clock(seconds)}
            onInput={(event) => seek(Number(event.currentTarget.value))}
          />
        </div>
        {type === 'trim' && (
          <Span {...shared} what="what is kept" of={params} onChange={onChange} isSelected>
            <span class="span-name">
              Keeps {clock(lengthOf(params, durationSeconds))} of {clock(durationSeconds)}
            </span>
          </Span>
        )}
        {items.map((item, index) =>
          isObject(item) ? (
            <Span
              key={index}
              {...shared}
              what={labelFor(item, index)}
              of={item}
              onChange={(next) => onChange({ ...params, items: items.with(index, next) })}
              isSelected={selected === itemPointer(index)}
            >
              <button type="button" class="span-name" onClick={() => select(itemPointer(index))}>
                {labelFor(item, index)}
              </button>
            </Span>
          ) : null,
        )}
        <div class="playhead" style={{ '--at': seconds / durationSeconds }} />
      </div>
    </div>
  )
}

interface SpanProps {
  what: string
  of: JsonObject
  onChange: (of: JsonObject) => void
  durationSeconds: number
  /** Shows the frame at which an end is set. */
  seek: (seconds: number) => void
  isSelected: boolean
  children: ComponentChildren
}

/** A bar from `start_seconds` to `end_seconds` with draggable ends. */
function Span({ what, of, onChange, durationSeconds, seek, isSelected, children }: SpanProps) {
  const start = Math.min(numberOf(of, 'start_seconds', 0), durationSeconds)
  const end = Math.min(numberOf(of, 'end_seconds', durationSeconds), durationSeconds)
  const set = (name: 'start_seconds' | 'end_seconds', at: number) => {
    // The ends cannot pass each other.
    const value = rounded(name === 'start_seconds' ? Math.min(at, end - 0.05) : Math.max(at, start + 0.05))
    onChange({ ...of, [name]: Math.max(0, value) })
    seek(value)
  }
  const handle = (name: 'start_seconds' | 'end_seconds', label: string, value: number) => (
    <input
      type="range"
      aria-label={`${label} of ${what}`}
      min="0"
      max={durationSeconds}
      step="0.01"
      value={value}
      aria-valuetext={clock(value)}
      onInput={(event) => set(name, Number(event.currentTarget.value))}
    />
  )
  const share = (seconds: number) => `${(seconds / durationSeconds) * 100}%`
  return (
    <div class="track" data-selected={isSelected}>
      <div class="span" style={{ left: share(start), right: `calc(100% - ${share(end)})` }}>
        {children}
      </div>
      {handle('start_seconds', 'Start', start)}
      {handle('end_seconds', 'End', end)}
    </div>
  )
}

function lengthOf(params: JsonObject, durationSeconds: number): number {
  const end = Math.min(numberOf(params, 'end_seconds', durationSeconds), durationSeconds)
  return Math.max(0, end - numberOf(params, 'start_seconds', 0))
}
