import { env } from 'cloudflare:workers'
import { expect, it } from 'vitest'
import { SWEEP_LIMITS, sweep } from '../../src/d1/sweep.ts'

const DAY = 24 * 60 * 60_000
const NOW = Date.UTC(2030, 0, 1)
const ROWS = 200_000
const PAST = 60_000

/** Rows of retired jobs: the first `PAST` ended over a year ago, the others within the last year. */
async function fill(): Promise<void> {
  const STEP = 20_000
  for (let from = 0; from < ROWS; from += STEP) {
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2)
       INSERT INTO export_jobs (id, project_id, type, status, input_video_key, params, max_attempts, request_hash,
         created_at, finished_at, archived, mirrored_at)
       SELECT printf('job-%06d', i), 1, 'overlay', 'complete', 'input/x', '{"items":[]}', 3, '', 0,
         CASE WHEN i < ?3 THEN ?4 + i ELSE ?5 + i END, 1, 0 FROM n`,
    )
      .bind(from, from + STEP, PAST, NOW - 500 * DAY, NOW - 300 * DAY)
      .run()
  }
}

it('removes 60,000 of 200,000 rows in bounded runs, and trims the rest', { timeout: 300_000 }, async () => {
  await fill()
  const count = async (where: string) =>
    env.DB.prepare(`SELECT COUNT(*) AS n FROM export_jobs WHERE ${where}`).first<number>('n')
  const times: number[] = []
  let dropped = 0
  let trimmed = 0
  while (dropped < PAST || trimmed < ROWS - PAST) {
    const started = performance.now()
    const report = await sweep(env, NOW)
    times.push(performance.now() - started)
    expect(report.broken).toEqual([])
    expect(report.dropped).toBeLessThanOrEqual(SWEEP_LIMITS.aged)
    dropped += report.dropped ?? 0
    trimmed += report.trimmed ?? 0
    expect(times.length).toBeLessThan(400)
  }
  expect(dropped).toBe(PAST)
  expect(await count("id <> 'sweep'")).toBe(ROWS - PAST)
  expect(await count("id <> 'sweep' AND params <> '{}'")).toBe(0)
  times.sort((a, b) => a - b)
  const at = (share: number) => Math.round(times[Math.floor(times.length * share)] ?? 0)
  console.log(
    `${times.length} runs; one takes ${at(0.5)} ms, the longest ${Math.round(times.at(-1) ?? 0)} ms`,
  )
})
