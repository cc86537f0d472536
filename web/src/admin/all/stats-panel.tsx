import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Percentiles, Statistics } from '../../../../wire/admin.ts'
import { Problem } from '../../ui/problem.tsx'
import { statistics } from '../calls.ts'
import { costWords, secondsWords } from '../words.ts'
import { Chart, type Line } from './chart.tsx'

const WINDOWS = new Map([
  ['1h', 'Last hour'],
  ['24h', 'Last day'],
  ['7d', 'Last week'],
])
const EVERY_MS = 15_000

/** Figures over all jobs, renewed while somebody looks. */
export function StatsPanel() {
  const [window, setWindow] = useState('24h')
  const [stats, setStats] = useState<Statistics | null>(null)
  const [error, setError] = useState<unknown>(null)
  useEffect(() => {
    const stop = new AbortController()
    const load = () =>
      statistics(window, stop.signal).then(
        (answer) => {
          setStats(answer)
          setError(null)
        },
        (reason) => {
          if (!stop.signal.aborted) setError(reason)
        },
      )
    void load()
    const timer = setInterval(() => {
      if (!document.hidden) void load()
    }, EVERY_MS)
    return () => {
      clearInterval(timer)
      stop.abort()
    }
  }, [window])
  return (
    <section class="card stats" aria-labelledby="stats-title">
      <header class="section-head">
        <h2 id="stats-title">Figures</h2>
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
      </header>
      {error != null && <Problem error={error} title="The figures could not be loaded" />}
      {stats ? (
        <Figures stats={stats} />
      ) : (
        error == null && <div class="skeleton" style={{ height: '14rem' }} />
      )}
    </section>
  )
}

function Figures({ stats }: { stats: Statistics }) {
  const { ended, active, webhooks, runpod, error_codes: codes, attempts } = stats
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
        <Figure name="Under way" value={String(under)} note={pairs(active)} />
        <Figure name="Ended" value={ended.jobs.toLocaleString()} note={pairs(ended.by_status)} />
        <Figure
          name="GPU time"
          value={secondsWords(stats.gpu_seconds)}
          note={`${secondsWords(stats.wasted_seconds)} wasted`}
        />
        <Figure name="Cost" value={costWords(stats.cost)} note={`${costWords(stats.wasted_cost)} wasted`} />
        <Figure
          name="Webhooks"
          value={webhooks.success === null ? '–' : `${(webhooks.success * 100).toFixed(1)} %`}
          note={`${webhooks.taken} taken, ${webhooks.failed} failed tries`}
        />
        <Figure
          name="RunPod"
          value={runpod ? `${runpod.in_queue} queued` : 'no answer'}
          note={runpod ? pairs(runpod.workers) : ''}
        />
      </dl>
      <div class="stats-grid">
        <Chart title={`Ended per hour: ${pairs(ended.by_status) || 'none'}`} times={times} lines={lines} />
        <Times seconds={stats.seconds} />
        <Ranking title="Error codes" rows={codes.map(({ code, jobs }) => [code, jobs])} />
        <Ranking
          title="Attempts of a job"
          rows={attempts.map((each) => [String(each.attempts), each.jobs])}
        />
        <Ranking
          title="Types"
          rows={Object.entries(ended.by_type).map(([type, counts]) => [
            `${type}: ${pairs(counts)}`,
            sum(counts),
          ])}
        />
      </div>
    </>
  )
}

function Figure({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} <span class="muted small">{note}</span>
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

/** Bars in words and lengths, the longest first. */
function Ranking({ title, rows }: { title: string; rows: [string, number][] }) {
  const most = Math.max(1, ...rows.map(([, jobs]) => jobs))
  return (
    <div class="ranking">
      <h3>{title}</h3>
      {rows.length === 0 && <p class="muted">None.</p>}
      <ol>
        {rows.map(([name, jobs]) => (
          <li key={name} style={{ '--share': String(jobs / most) }}>
            <span>{name}</span>
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
