import { useCallback, useMemo, useState } from 'preact/hooks'
import type { Percentiles, Statistics } from '../../../../wire/admin.ts'
import { Problem } from '../../ui/problem.tsx'
import { statistics } from '../calls.ts'
import { useRenewed } from '../use-renewed.ts'
import { costWords, secondsWords } from '../words.ts'
import { Chart, type Line } from './chart.tsx'
import type { Search } from './search.ts'

const WINDOWS = new Map([
  ['1h', 'Last hour'],
  ['24h', 'Last day'],
  ['7d', 'Last week'],
])
/** Each refresh reads the index rows of a whole window. */
const EVERY_MS = 60_000
const repeat = (ask: () => void) => setInterval(ask, EVERY_MS)

export interface Figures {
  window: string
  setWindow: (window: string) => void
  stats: Statistics | null
  error: unknown
  reload: () => void
}

/** Figures over all jobs, refreshed while the page is visible. */
export function useStatistics(): Figures {
  const [window, setWindow] = useState('24h')
  const load = useCallback((signal: AbortSignal) => statistics(window, signal), [window])
  const { value: stats, error, reload } = useRenewed(load, repeat)
  return { window, setWindow, stats, error, reload }
}

interface PanelProps {
  figures: Figures
  narrow: Narrow
}
type Narrow = (more: Partial<Search>) => void

/** Selects the time window of the figures. */
export function Window({ figures: { window, setWindow } }: { figures: Figures }) {
  return (
    <select
      aria-label="Window"
      class="short"
      value={window}
      onChange={(event) => setWindow(event.currentTarget.value)}
    >
      {[...WINDOWS].map(([value, words]) => (
        <option key={value} value={value}>
          {words}
        </option>
      ))}
    </select>
  )
}

/** A summary line, which expands to charts and rankings. */
export function StatsPanel({ figures: { stats, error, reload }, narrow }: PanelProps) {
  return (
    <section class="card stats" aria-label="Figures">
      {error != null && <Problem error={error} title="The figures could not be loaded" retry={reload} />}
      {stats ? (
        <Strip stats={stats} narrow={narrow} />
      ) : (
        error == null && <div class="skeleton" style={{ height: '5rem' }} />
      )}
    </section>
  )
}

function Strip({ stats, narrow }: { stats: Statistics; narrow: Narrow }) {
  const { ended, active, webhooks, database, runpod, error_codes: codes, attempts } = stats
  const times = useMemo(() => stats.per_hour.map(({ hour }) => Date.parse(hour) / 1000), [stats])
  const lines = useMemo<Line[]>(
    () => [
      { label: 'Complete', colour: '--ok', values: stats.per_hour.map(({ complete }) => complete) },
      { label: 'Failed', colour: '--bad', values: stats.per_hour.map(({ error }) => error) },
      { label: 'Cancelled', colour: '--muted', values: stats.per_hour.map(({ cancelled }) => cancelled) },
    ],
    [stats],
  )
  const under = Object.values(active).reduce((sum, jobs) => sum + jobs, 0)
  return (
    <>
      {ended.cut && (
        <p class="muted small">
          The window holds more jobs than are looked at: these are the newest {ended.most.toLocaleString()}.
        </p>
      )}
      <dl class="figures">
        <Figure
          name="Under way"
          value={String(under)}
          note={pairs(active)}
          act={() => narrow({ tab: 'running' })}
        />
        <Figure
          name="Ended"
          value={ended.jobs.toLocaleString()}
          note={pairs(ended.by_status)}
          act={() => narrow({ tab: ended.by_status.error ? 'failed' : 'done' })}
        />
        <Figure
          name="GPU time"
          value={secondsWords(stats.gpu_seconds)}
          note={`${secondsWords(stats.wasted_seconds)} wasted`}
          act={() => narrow({ tab: 'all', sort: 'longest' })}
        />
        <Figure
          name="Cost"
          value={costWords(stats.cost)}
          note={`${costWords(stats.wasted_cost)} wasted`}
          act={() => narrow({ tab: 'all', sort: 'costliest' })}
        />
        <Figure
          name="Webhooks"
          value={webhooks.success === null ? '–' : `${(webhooks.success * 100).toFixed(1)} %`}
          note={`${webhooks.taken} taken, ${webhooks.failed} failed tries`}
          act={() => narrow({ tab: 'attention', reason: 'webhook_failing' })}
        />
        <Figure
          name="Database"
          value={`${(database.bytes / 1e9).toFixed(2)} GB`}
          note={`of ${database.limit_bytes / 1e9} GB${database.nearly_full ? ': nearly full' : ''}`}
        />
        <Figure
          name="RunPod"
          value={runpod ? `${runpod.in_queue} queued` : 'no answer'}
          note={runpod ? pairs(runpod.workers) : ''}
        />
      </dl>
      <details class="stats-more">
        <summary>Charts and rankings</summary>
        <div class="stats-grid">
          <Chart title={`Ended per hour: ${pairs(ended.by_status) || 'none'}`} times={times} lines={lines} />
          <Times seconds={stats.seconds} />
          <Ranking
            title="Error codes"
            rows={codes.map(({ code, jobs }) => [code, jobs, () => narrow({ tab: 'failed', code })])}
          />
          <Ranking
            title="Attempts of a job"
            rows={attempts.map((each) => [String(each.attempts), each.jobs])}
          />
          <Ranking
            title="Types"
            rows={Object.entries(ended.by_type).map(([type, counts]) => [
              `${type}: ${pairs(counts)}`,
              sum(counts),
              () => narrow({ tab: 'all', type }),
            ])}
          />
        </div>
      </details>
    </>
  )
}

interface FigureProps {
  name: string
  value: string
  note: string
  /** Shows the jobs behind the figure. */
  act?: () => void
}

function Figure({ name, value, note, act }: FigureProps) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {act ? (
          <button type="button" class="narrow" onClick={act}>
            {value}
          </button>
        ) : (
          value
        )}{' '}
        <span class="muted small">{note}</span>
      </dd>
    </div>
  )
}

const MEASURES = { queue: 'Waited', run: 'Ran', total: 'In all' } as const

function Times({ seconds }: { seconds: Statistics['seconds'] }) {
  const cell = (values: Percentiles, name: 'p50' | 'p90' | 'p99') => <td>{secondsWords(values[name])}</td>
  return (
    <table class="plain">
      <caption>How long jobs took</caption>
      <thead>
        <tr>
          <th scope="col">
            <span class="visually-hidden">Measure</span>
          </th>
          <th scope="col">P50</th>
          <th scope="col">P90</th>
          <th scope="col">P99</th>
        </tr>
      </thead>
      <tbody>
        {(['queue', 'run', 'total'] as const).map((measure) => (
          <tr key={measure}>
            <th scope="row">{MEASURES[measure]}</th>
            {cell(seconds[measure], 'p50')}
            {cell(seconds[measure], 'p90')}
            {cell(seconds[measure], 'p99')}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

/** Labelled bars, the longest first. */
function Ranking({ title, rows }: { title: string; rows: [string, number, (() => void)?][] }) {
  const most = Math.max(1, ...rows.map(([, jobs]) => jobs))
  return (
    <div class="ranking">
      <h3>{title}</h3>
      {rows.length === 0 && <p class="muted">None.</p>}
      <ol>
        {rows.map(([name, jobs, act]) => (
          <li key={name} style={{ '--share': String(jobs / most) }}>
            {act ? (
              <button type="button" class="narrow" onClick={act}>
                {name}
              </button>
            ) : (
              <span>{name}</span>
            )}
            <span>{jobs}</span>
          </li>
        ))}
      </ol>
    </div>
  )
}

function pairs(counts: Record<string, number>): string {
  return Object.entries(counts)
    .filter(([, jobs]) => jobs > 0)
    .map(([name, jobs]) => `${jobs} ${name}`)
    .join(', ')
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((all, jobs) => all + jobs, 0)
}
