/**
 * The door for text that others wrote: GPU workers, RunPod, receivers of webhooks. An error may quote the request that
 * it was about, with its callback token and its signed addresses, and what enters a job is shown to everyone who may
 * read it. Each type of event is named here, so that a new one is not let in unread.
 */
import { withoutSecrets } from '../redact.ts'
import type { Settings } from '../settings.ts'
import type { Event } from './core/events.ts'
import type { Failure } from './core/job.ts'

/** `event` with every foreign text in it free of signatures, tokens and keys, this deployment's own above all. */
export function redactedEvent(event: Event, settings: Settings | null): Event {
  const known = settings
    ? [...settings.authSecrets, ...settings.webhookSecrets, settings.runpodApiKey ?? '']
    : []
  const clean = (text: string) => withoutSecrets(text, known)
  const maybe = (text: string | null) => text && clean(text)
  const cleanFailure = (failure: Failure): Failure => ({ ...failure, message: clean(failure.message) })
  switch (event.type) {
    case 'progressed':
      return { ...event, stage: maybe(event.stage), message: maybe(event.message) }
    case 'failed':
    case 'dispatchRefused':
      return { ...event, failure: cleanFailure(event.failure) }
    case 'dispatchAmbiguous':
    case 'deliveryFailed':
      return { ...event, detail: clean(event.detail) }
    case 'observed':
      return { ...event, observation: { ...event.observation, error: maybe(event.observation.error) } }
    case 'wake':
    case 'cancel':
    case 'retry':
    case 'delete':
    case 'redeliver':
    case 'retryNow':
    case 'forceFail':
    case 'recheck':
    case 'rewriteRow':
    case 'extendDeadline':
    case 'completed':
    case 'dispatched':
    case 'pollFailed':
    case 'cancelAnswered':
    case 'outputSeen':
    case 'outputAbsent':
    case 'lookFailed':
    case 'mirrored':
    case 'mirrorFailed':
    case 'remirror':
    case 'swept':
    case 'sweepFailed':
    case 'archived':
    case 'archiveFailed':
    case 'erased':
    case 'eraseFailed':
    case 'delivered':
      return event
  }
}
