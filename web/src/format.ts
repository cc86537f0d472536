/** Formats figures and instants for people. */
import type { JobSummary } from '../../wire/job.ts'

export function bytes(size: number): string {
  if (size < 1000) return `${size} B`
  if (size < 999_500) return `${(size / 1e3).toFixed(0)} kB`
  return size < 999_950_000 ? `${(size / 1e6).toFixed(1)} MB` : `${(size / 1e9).toFixed(2)} GB`
}

/** `1.4 s`, `42 s`, `3 min 05 s`, `2 h 10 min`, `7 days`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 0.05) return '< 0.1 s'
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const two = (value: number) => String(value).padStart(2, '0')
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  if (whole < 2 * 86_400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`
  return `${Math.round(whole / 86_400)} days`
}

/** Coarser than `duration`, for time that remains: `12 s`, `about 3 min`. */
export function span(ms: number): string {
  const seconds = Math.ceil(Math.max(0, ms) / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3570) return `${Math.round(seconds / 60)} min`
  return seconds < 47.5 * 3600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}

/** `in 12 s`, `now`, `3 min ago`. */
export function relative(instant: string, now: number): string {
  const ahead = Date.parse(instant) - now
  if (Math.abs(ahead) < 1000) return 'now'
  return ahead > 0 ? `in ${span(ahead)}` : `${span(-ahead)} ago`
}

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** Only the time for today, date and time for other days. */
export function absolute(instant: string, now: number): string {
  const at = new Date(instant)
  return at.toDateString() === new Date(now).toDateString() ? time.format(at) : dateTime.format(at)
}

/** A position in a video: `0:04.2`. */
export function clock(seconds: number): string {
  const tenths = Math.round(Math.max(0, seconds) * 10)
  const minutes = Math.floor(tenths / 600)
  return `${minutes}:${((tenths % 600) / 10).toFixed(1).padStart(4, '0')}`
}

/** The name of the input: the last part of its key or URL. */
export function sourceName(job: Pick<JobSummary, 'input_video_key' | 'input_video_url'>): string {
  return fileName(job.input_video_key ?? job.input_video_url ?? '') || 'video'
}

/** The name given to the export, else that of its input. */
export function nameOf(job: Pick<JobSummary, 'input_video_key' | 'input_video_url' | 'metadata'>): string {
  const { name } = job.metadata
  return (typeof name === 'string' && name.trim()) || sourceName(job)
}

/** The last part of an R2 key is the name of the uploaded file. */
export function fileName(key: string): string {
  return key.split('/').at(-1) ?? key
}

/** Labels for names that are not clear enough. */
const KNOWN = new Map([
  ['x', 'From left'],
  ['y', 'From top'],
  ['fps', 'Frames per second'],
  ['focus_x', 'Focus from left'],
  ['focus_y', 'Focus from top'],
])

/** `start_seconds` as a label: `Start`, with the unit separate. */
export function labelOf(name: string): { label: string; unit: string } {
  const unit = name.endsWith('_seconds') ? 's' : ''
  const words = name.replace(/_(seconds|key)$/, '').replaceAll('_', ' ')
  return { label: KNOWN.get(name) ?? words.charAt(0).toUpperCase() + words.slice(1), unit }
}
