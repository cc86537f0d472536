import type { ComponentChildren } from 'preact'
import { isEnded, type Job, type JobEvent } from '../../../../client/index.ts'
import type { InspectedJob } from '../../../../wire/admin.ts'
import { absolute, span } from '../../format.ts'
import { Result, Source } from '../../job/players.tsx'
import { Names } from '../../ui/name.tsx'
import { costWords, secondsWords } from '../words.ts'
import { type Asked, consoleOf } from './advice.ts'
import { Attempts } from './attempts.tsx'
import { Raw } from './event-list.tsx'
import { OwedCard } from './owed.tsx'
import { RowCard } from './row-card.tsx'
import { StoredFile } from './stored-file.tsx'
import { WorkerLine } from './worker-line.tsx'

interface SideProps {
  opened: InspectedJob
  chosen: JobEvent | null
  now: number
  ask: (asked: Asked) => void
  close: () => void
}

/** The selected event, and all fields of the job. */
export function SidePanel({ opened, chosen, now, ask, close }: SideProps) {
  const { job, actor } = opened
  const { usage } = job
  const runpod = consoleOf(actor?.attempts.at(-1)?.endpoint?.url)
  return (
    <aside class="inspector-side card" aria-label="Everything about the job">
      {chosen && <Raw event={chosen} close={close} />}
      <dl class="pairs">
        <Pair name="Id">
          <span class="mono">{job.id}</span>
        </Pair>
        <Pair name="Endpoint">
          {job.endpoint} {runpod && <a href={runpod}>RunPod’s console</a>}
        </Pair>
        <Pair name="Created">{absolute(job.created_at, now)}</Pair>
        {actor && (
          <Pair name="Deadline">
            {absolute(actor.deadline.at, now)}
            {actor.deadline.extended && ', extended'}
          </Pair>
        )}
        {actor?.line && (
          <Pair name="Worker’s line">
            <WorkerLine line={actor.line} now={now} />
          </Pair>
        )}
        <Pair name="GPU time">
          {secondsWords(usage.gpu_seconds)}, {secondsWords(usage.wasted_seconds)} wasted
        </Pair>
        <Pair name="Cost">{costWords(usage.cost ?? null)}</Pair>
        {job.tags.length > 0 && (
          <Pair name="Tags">
            <Names>{job.tags}</Names>
          </Pair>
        )}
        {actor && (
          <Pair name="Policy">
            {Object.entries(actor.policy).map(([name, value]) => (
              <span key={name} class="policy">
                {limitWords(name, value)}
              </span>
            ))}
          </Pair>
        )}
      </dl>
      <Json name="Params" value={job.params} />
      <Json name="Metadata" value={job.metadata} />
      {actor && <Attempts attempts={actor.attempts} now={now} />}
      {actor && (
        <OwedCard actor={actor} now={now} sendAgain={(delivery) => ask({ action: 'redeliver', delivery })} />
      )}
      <RowCard opened={opened} now={now} repair={() => ask({ action: 'remirror' })} />
      {isWhole(job) && (
        <section aria-label="Videos" class="side-videos">
          <Result job={job} />
          <Source job={job} />
          <StoredFile name="Source" url={job.input_url} />
          <StoredFile name="Result" url={isEnded(job) ? job.output_url : null} />
        </section>
      )}
    </aside>
  )
}

function Pair({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Json({ name, value }: { name: string; value: object }) {
  const size = Object.keys(value).length
  if (size === 0) return null
  return (
    <details>
      <summary>
        {name} <span class="muted">{size}</span>
      </summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>{JSON.stringify(value, null, 2)}</pre>
    </details>
  )
}

/** Converts a limit's name in the core, such as `stallTimeoutMs`, to text. */
function limitWords(name: string, value: string | number): string {
  const words = name.replace(/Ms$/, '').replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
  return `${words} ${typeof value === 'number' && name.endsWith('Ms') ? span(value) : value}`
}

/** A job that is known only from its row has no videos. */
function isWhole(job: InspectedJob['job']): job is Job {
  return 'input_url' in job
}
