/**
 * Redacts texts from external sources: GPU workers, RunPod, receivers of webhooks. An error may quote its request, with
 * the callback token and signed URLs, and a job's texts are visible to everyone with read access.
 */
import { secretsOfUrl } from '../shared/input-url.ts'
import { withoutSecrets } from '../shared/redact.ts'
import type { Settings } from '../shared/settings.ts'
import type { Event } from './core/events.ts'
import type { JobRequest } from './core/job.ts'

/** Names of the fields of `T`, at any depth, that contain arbitrary text. */
type TextField<T> = T extends object
  ? {
      [Name in keyof T & string]: string extends NonNullable<T[Name]> ? Name : TextField<NonNullable<T[Name]>>
    }[keyof T & string]
  : never

/** Typed so that every text field of an event must be classified. */
const WRITTEN_BY: Record<TextField<Event>, 'others' | 'us'> = {
  code: 'others',
  detail: 'others',
  error: 'others',
  message: 'others',
  stage: 'others',
  workerId: 'others',
  // Ids and keys that are compared, and texts by operators for the log.
  by: 'us',
  endpoint: 'us',
  etag: 'us',
  id: 'us',
  instance: 'us',
  key: 'us',
  missing: 'us',
  name: 'us',
  outputKey: 'us',
  posterKey: 'us',
  reason: 'us',
  runpodJobId: 'us',
  url: 'us',
  why: 'us',
}
const OURS = new Set(Object.entries(WRITTEN_BY).flatMap(([name, who]) => (who === 'us' ? [name] : [])))

/**
 * `event` with signatures, tokens and keys removed from each foreign text: in particular this deployment's own, and
 * everything in the job's input URL except its path.
 */
export function redactedEvent(
  event: Event,
  settings: Settings | null,
  inputUrl: JobRequest['inputVideoUrl'] = undefined,
): Event {
  let known: readonly string[] | null = null
  return redacted(event, (text) => {
    known ??= knownSecrets(settings, inputUrl)
    const bare = inputUrl ? text.replaceAll(inputUrl.whole, inputUrl.shown) : text
    return withoutSecrets(bare, known)
  })
}

function knownSecrets(settings: Settings | null, inputUrl: JobRequest['inputVideoUrl']): string[] {
  const ours = settings
    ? [...settings.authSecrets, ...settings.webhookSecrets, settings.runpodApiKey ?? '']
    : []
  return inputUrl ? [...ours, ...secretsOfUrl(inputUrl)] : ours
}

/** Returns the same object if nothing was removed. */
function redacted<T extends object>(part: T, cleaned: (text: string) => string): T {
  let copy: T | null = null
  for (const name of Object.keys(part)) {
    const value: unknown = Reflect.get(part, name)
    let clean = value
    if (typeof value === 'string') clean = OURS.has(name) ? value : cleaned(value)
    else if (value !== null && typeof value === 'object') clean = redacted(value, cleaned)
    if (clean === value) continue
    copy ??= (Array.isArray(part) ? [...part] : { ...part }) as T
    Reflect.set(copy, name, clean)
  }
  return copy ?? part
}
