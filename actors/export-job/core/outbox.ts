/** Answers to what the job owes the outside: its D1 row, stale files, retirement, erasure. */
import type { Draft } from './draft.ts'
import type { Fact } from './events.ts'
import { lastUploadEndsAt, owedCancels } from './schedule.ts'

type Answer = Extract<
  Fact,
  {
    type:
      | 'mirrored'
      | 'mirrorFailed'
      | 'remirror'
      | 'swept'
      | 'sweepFailed'
      | 'archived'
      | 'archiveFailed'
      | 'erased'
      | 'eraseFailed'
  }
>

export function answerOutbox(draft: Draft, event: Answer): void {
  const { job, now } = draft
  const { phase, outbox } = job
  switch (event.type) {
    case 'mirrored':
      // What changed while the write was under way is still owed.
      if (outbox.mirror && outbox.mirror.version <= event.version)
        draft.owe({ mirror: null, mirroredAt: now })
      return
    case 'mirrorFailed':
      // The lease becomes durable, so that the backoff grows even when the actor sleeps in between.
      if (outbox.mirror) draft.owe({ mirror: outbox.mirror })
      return
    case 'remirror':
      return draft.remirror()
    case 'swept': {
      if (!outbox.sweep) return
      const lastLookAt = lastUploadEndsAt(job)
      const again = !outbox.sweep.last && lastLookAt > now
      return draft.owe({ sweep: again ? { dueAt: lastLookAt, tries: 0, last: true } : null })
    }
    case 'sweepFailed':
      if (outbox.sweep) draft.owe({ sweep: outbox.sweep })
      return
    case 'archived':
      if (outbox.archive) draft.enter({ status: 'gone' })
      return
    case 'archiveFailed':
      if (outbox.archive) draft.owe({ archive: outbox.archive })
      return
    case 'erased':
      if (phase.status !== 'deleting') return
      if (now >= phase.until && owedCancels(job).length === 0) return draft.enter({ status: 'gone' })
      return draft.enter({ ...phase, tries: 0, dueAt: phase.until })
    case 'eraseFailed':
      if (phase.status === 'deleting') draft.enter(phase)
      return
  }
}
