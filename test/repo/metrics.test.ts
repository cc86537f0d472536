/**
 * Checks the metrics and the alerts with Prometheus' own parser: `promtool` of Debian's package `prometheus`. Without
 * it the two checks that need it are skipped, with a warning.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtempDisposable, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { EMPTY_LANE } from '../../actors/lane/state.ts'
import { viewOf } from '../../actors/lane/view.ts'
import { countersOf, gaugesOf, lanesOf } from '../../src/admin/metric-families.ts'
import { formatFor, metricText } from '../../src/admin/metric-text.ts'

const ROOT = join(import.meta.dirname, '../..')
const ROW = {
  ended: 3,
  attempts: 4,
  webhooks_taken: 2,
  webhooks_failed: 1,
  gpu_seconds: 61.5,
  wasted_seconds: 1.5,
}
const FAMILIES = [
  ...gaugesOf(
    {
      active: [{ status: 'queued', jobs: 2 }],
      oldestWaitingAt: 1_000,
      overdue: 1,
      webhooksOwed: 1,
      bytes: 4096,
    },
    61_000,
  ),
  ...lanesOf(
    {
      lanes: [
        viewOf('default', EMPTY_LANE, null, 61_000),
        viewOf('h100', { ...EMPTY_LANE, pause: { by: 'ann', reason: 'repairs', at: 1_000 } }, 2, 61_000),
      ],
      unreachable: ['a40'],
    },
    61_000,
  ),
  ...countersOf([
    { status: 'complete', type: 'overlay', code: '', ...ROW },
    { status: 'error', type: 'overlay', code: 'say "no"\\\n', ...ROW },
  ]),
]
const RULES =
  /```yaml\n(groups:\n[\s\S]*?)```/.exec(readFileSync(join(ROOT, 'docs/operations.md'), 'utf8'))?.[1] ?? ''

const hasPromtool = spawnSync('promtool', ['--version']).status === 0
if (!hasPromtool)
  console.warn('SKIPPED: promtool (apt-get install prometheus) is missing; no rule was checked by it.')

function promtool(args: readonly string[], input: string) {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' })
  return { status, said: `${stdout}${stderr}` }
}

describe('The text of the metrics', () => {
  it('is OpenMetrics, unless a client asks for the older format alone', () => {
    const prometheus =
      'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1'
    expect([null, '*/*', prometheus, 'text/plain'].map(formatFor)).toEqual([
      'openmetrics',
      'openmetrics',
      'openmetrics',
      'text',
    ])
  })

  it('names a counter without its suffix, escapes what others wrote, and ends', () => {
    const lines = metricText(FAMILIES, 'openmetrics').split('\n')
    expect(lines).toContain('# TYPE exportal_jobs_ended counter')
    expect(lines).toContain(
      'exportal_jobs_ended_total{status="error",type="overlay",code="say \\"no\\"\\\\\\n"} 3',
    )
    expect(lines).toContain('# UNIT exportal_gpu_seconds seconds')
    expect(lines).toContain('exportal_oldest_waiting_seconds 60')
    expect(lines.slice(-2)).toEqual(['# EOF', ''])
    for (const { name, unit = '' } of FAMILIES) expect(name.endsWith(unit), name).toBe(true)
  })

  it('has a sample for each lane, and places only of one with a limit', () => {
    const lines = metricText(FAMILIES, 'openmetrics').split('\n')
    expect(lines.filter((line) => /^exportal_lane_(up|places|paused|oldest)/.test(line))).toEqual([
      'exportal_lane_up{lane="default"} 1',
      'exportal_lane_up{lane="h100"} 1',
      'exportal_lane_up{lane="a40"} 0',
      'exportal_lane_oldest_waiting_seconds{lane="default"} 0',
      'exportal_lane_oldest_waiting_seconds{lane="h100"} 0',
      'exportal_lane_places{lane="h100",state="taken"} 0',
      'exportal_lane_places{lane="h100",state="free"} 2',
      'exportal_lane_paused{lane="default"} 0',
      'exportal_lane_paused{lane="h100"} 1',
    ])
  })

  it.skipIf(!hasPromtool)('is clean to promtool', () => {
    expect(promtool(['check', 'metrics'], metricText(FAMILIES, 'text'))).toEqual({ status: 0, said: '' })
  })
})

describe('The alert rules of the operations page', () => {
  it('speak of metrics that there are, and of no others', () => {
    const there = new Set(FAMILIES.map(({ name, type }) => (type === 'counter' ? `${name}_total` : name)))
    const named = RULES.match(/\bexportal_\w+/g) ?? []
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((name) => !there.has(name))).toEqual([])
  })

  it.skipIf(!hasPromtool)('are clean to promtool', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'exportal-rules-'))
    const file = join(directory.path, 'rules.yaml')
    await writeFile(file, RULES)
    const { status, said } = promtool(['check', 'rules', file], '')
    expect({ status, said }).toMatchObject({
      status: 0,
      said: expect.stringMatching(/SUCCESS: \d+ rules found/),
    })
  })
})
