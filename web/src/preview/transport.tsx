import type { JsonObject } from '../../../client/index.ts'
import { clock } from '../format.ts'
import { Icon } from '../ui/icon.tsx'
import { numberOf, rounded } from './geometry.ts'

interface TransportProps {
  seconds: number
  durationSeconds: number
  playing: boolean
  toggle: () => void
  seek: (seconds: number) => void
}

/** Play, pause and position; beside the picture and not over it, where the preview is. */
export function Transport({ seconds, durationSeconds, playing, toggle, seek }: TransportProps) {
  return (
    <div class="transport">
      <button type="button" class="bare" aria-label={playing ? 'Pause' : 'Play'} onClick={toggle}>
        <Icon name={playing ? 'pause' : 'play'} />
      </button>
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
      <span class="time">
        {clock(seconds)} <span class="muted">/ {clock(durationSeconds)}</span>
      </span>
    </div>
  )
}

interface TrimProps {
  params: JsonObject
  durationSeconds: number
  onChange: (params: JsonObject) => void
  /** Shows the frame at which an end is being set. */
  seek: (seconds: number) => void
}

/** The span that a trim keeps, set by its two ends. */
export function TrimRange({ params, durationSeconds, onChange, seek }: TrimProps) {
  const start = numberOf(params, 'start_seconds', 0)
  const end = numberOf(params, 'end_seconds', durationSeconds)
  const set = (name: 'start_seconds' | 'end_seconds', at: number) => {
    // The ends do not pass each other.
    const value = rounded(name === 'start_seconds' ? Math.min(at, end - 0.05) : Math.max(at, start + 0.05))
    onChange({ ...params, [name]: Math.max(0, value) })
    seek(value)
  }
  const share = (seconds: number) => `${Math.min(1, seconds / durationSeconds) * 100}%`
  const handle = (name: 'start_seconds' | 'end_seconds', label: string, value: number) => (
    <input
      type="range"
      aria-label={label}
      min="0"
      max={durationSeconds}
      step="0.01"
      value={Math.min(value, durationSeconds)}
      aria-valuetext={clock(value)}
      onInput={(event) => set(name, Number(event.currentTarget.value))}
    />
  )
  return (
    <div class="trim">
      <div class="trim-track">
        <div class="trim-kept" style={{ left: share(start), right: `calc(100% - ${share(end)})` }} />
        {handle('start_seconds', 'Start of what is kept', start)}
        {handle('end_seconds', 'End of what is kept', end)}
      </div>
      <p class="muted small">
        Keeps {clock(Math.max(0, Math.min(end, durationSeconds) - start))} of {clock(durationSeconds)}
      </p>
    </div>
  )
}
