import type { InspectedAttempt } from '../../../../wire/admin.ts'
import { absolute, duration } from '../../format.ts'
import { costWords, secondsWords } from '../words.ts'

/** The attempts with their outcome and cost, each as a list of labelled figures. */
export function Attempts({ attempts, now }: { attempts: readonly InspectedAttempt[]; now: number }) {
  return (
    <section class="attempts-card" aria-labelledby="attempts-title">
      <h2 id="attempts-title">Attempts</h2>
      {attempts.length === 0 ? (
        <p class="muted">None yet.</p>
      ) : (
        <div class="scroll">
          <table class="plain stack">
            <tbody>
              {attempts.map((attempt) => (
                <tr key={`${attempt.round}-${attempt.attempt}`} data-outcome={attempt.outcome}>
                  <th scope="row">
                    {attempt.round}-{attempt.attempt}
                  </th>
                  <td data-name="RunPod job" class="mono">
                    {attempt.runpod_job_id ?? 'not known'}
                  </td>
                  <td data-name="Sent">{absolute(attempt.dispatched_at, now)}</td>
                  <td data-name="Queued">
                    {between(attempt.queued_at, attempt.started_at ?? attempt.ended_at, now)}
                  </td>
                  <td data-name="Ran">{between(attempt.started_at, attempt.ended_at, now)}</td>
                  <td data-name="End">{endOf(attempt)}</td>
                  <td data-name="Delay">{secondsWords(attempt.delay_seconds)}</td>
                  <td data-name="Execution">
                    {secondsWords(
                      attempt.execution_seconds ?? (attempt.estimated ? attempt.gpu_seconds : null),
                    )}
                    {attempt.estimated && <span class="muted"> est.</span>}
                  </td>
                  <td data-name="Worker" class="mono">
                    {attempt.worker_id ?? '–'}
                  </td>
                  <td data-name="Cost">
                    {costWords(attempt.cost)}
                    {attempt.wasted && <span class="wasted"> wasted</span>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

function between(from: string | null, until: string | null, now: number): string {
  return from === null ? '–' : duration((until === null ? now : Date.parse(until)) - Date.parse(from))
}

function endOf({ outcome, failure, remote, cancel, late_reports: late }: InspectedAttempt): string {
  const parts = [failure ? `${failure.code}: ${failure.message}` : OUTCOMES[outcome]]
  if (cancel && !cancel.confirmed_at) parts.push(`cancel not confirmed, told ${cancel.tries} times`)
  if (outcome !== 'open' && remote !== 'ended') parts.push('may still run at RunPod')
  if (late > 0) parts.push(`${late} late ${late === 1 ? 'report' : 'reports'}`)
  return parts.join('; ')
}

const OUTCOMES: Record<InspectedAttempt['outcome'], string> = {
  open: 'under way',
  won: 'result stored',
  failed: 'failed',
  closed: 'closed',
}
