import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'
import { MINUTE, T0 } from '../../support/workerd/clock.ts'
import { api, createJob, ring, useHttpWorld } from '../../support/workerd/http.ts'
import { birthRow } from '../../support/workerd/rows.ts'
import { bearer, tokenOf } from '../../support/workerd/tokens.ts'

useHttpWorld()

const scrape = async (headers: Record<string, string> = {}) => {
  const response = await api('/api/admin/metrics', { headers })
  return { type: response.headers.get('Content-Type'), lines: (await response.text()).split('\n') }
}

describe('GET /api/admin/metrics', () => {
  it('tells the list as it is now, and what has ended since it began', async () => {
    await birthRow('0192f000-0000-7000-8000-00000000a001')
    const { job_id: id } = await createJob({
      project_id: 1,
      type: 'trim',
      input_video_key: 'input/a/clip.mp4',
      params: { start_seconds: 1, end_seconds: 2 },
    })
    await api(`/api/jobs/${id}/cancel`, { method: 'POST' })
    await ring(id)
    await env.DB.exec(`UPDATE export_jobs SET webhooks_owed = 2 WHERE id = '${id}'`)
    vi.setSystemTime(T0 + 20 * MINUTE)
    const { type, lines } = await scrape()
    expect(type).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8')
    expect(lines).toEqual(
      expect.arrayContaining([
        'exportal_jobs{status="pending"} 1',
        'exportal_jobs{status="processing"} 0',
        'exportal_oldest_waiting_seconds 1200',
        'exportal_rows_overdue 1',
        'exportal_webhooks_owed 2',
        'exportal_jobs_ended_total{status="cancelled",type="trim",code=""} 1',
        'exportal_attempts_total{status="cancelled",type="trim",code=""} 0',
        'exportal_webhook_tries_total{outcome="taken"} 0',
      ]),
    )
  })

  it('says it in the older format to a client that asks for that alone', async () => {
    const { type, lines } = await scrape({ Accept: 'text/plain' })
    expect(type).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(lines).toContain('# TYPE exportal_jobs_ended_total counter')
  })

  it('opens to its own scope, which opens nothing else', async () => {
    const token = bearer(await tokenOf({ scopes: ['metrics:read'] }))
    const status = async (path: string) =>
      (await api(`https://exportal.test${path}`, { headers: token })).status
    expect(await Promise.all(['/api/admin/metrics', '/api/admin/stats', '/api/jobs'].map(status))).toEqual([
      200, 403, 403,
    ])
  })

  it('asks one stretch of an index for each gauge', async () => {
    const seen: string[] = []
    const prepare = env.DB.prepare.bind(env.DB)
    vi.spyOn(env.DB, 'prepare').mockImplementation((sql) => {
      seen.push(sql)
      return prepare(sql)
    })
    await scrape()
    vi.restoreAllMocks()
    for (const sql of seen.filter((text) => text.includes('export_jobs'))) {
      const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...(sql.includes('?') ? [T0] : []))
        .all<{ detail: string }>()
      const reads = plan.results.map(({ detail }) => detail).filter((step) => step.includes('export_jobs'))
      for (const read of reads)
        expect(read).toMatch(
          /^SEARCH export_jobs USING (COVERING )?INDEX|^SCAN export_jobs USING COVERING INDEX export_jobs_by_webhooks_owed/,
        )
      expect(plan.results.some(({ detail }) => detail.includes('TEMP B-TREE FOR ORDER BY'))).toBe(false)
    }
    // The last asks which endpoints have unfinished jobs.
    expect(seen.length).toBe(6)
  })
})
