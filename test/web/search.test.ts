/** The operators' search in the URL. */
import { afterEach, expect, test, vi } from 'vitest'
import { ANY, filterOf, queryOf, saidOf, searchIn } from '../../web/src/admin/all/search.ts'

afterEach(() => vi.unstubAllEnvs())

const urlOf = (more: Partial<typeof ANY>) => {
  const said = Object.entries(saidOf({ ...ANY, ...more })).flatMap(([name, value]) =>
    value === null ? [] : [[name, value]],
  )
  return new URLSearchParams(said)
}

test('a search by time finds the same jobs for a reader in another time zone', () => {
  vi.stubEnv('TZ', 'Asia/Tokyo')
  const url = urlOf({ tab: 'all', from: '2026-03-01T10:00' })
  expect(searchIn(url).from).toBe('2026-03-01T10:00')
  vi.stubEnv('TZ', 'America/New_York')
  expect(searchIn(url).from).toBe('2026-02-28T20:00')
  expect(queryOf(searchIn(url)).created_after).toBe('2026-03-01T01:00:00.000Z')
})

test('no time in the URL is none, and neither is nonsense', () => {
  for (const text of ['', 'yesterday']) {
    const search = searchIn(new URLSearchParams({ from: text }))
    expect([search.from, 'created_after' in queryOf(search)]).toEqual(['', false])
  }
})

test('jobs that wait at an endpoint are found by a URL, and acted on by the same filter', () => {
  const url = urlOf({ tab: 'waiting', endpoint: 'h100', waiting: 'true', project: '7' })
  expect(String(url)).toBe('tab=waiting&endpoint=h100&waiting=true&project_id=7')
  const search = searchIn(url)
  const found = { endpoint: 'h100', waiting: 'true', project_id: '7' }
  expect(queryOf(search)).toEqual({ tab: 'waiting', ...found })
  const acted = { endpoint: 'h100', waiting: true, project_id: 7 }
  expect(filterOf(search)).toEqual({ ...acted, status: ['pending', 'queued'] })
})

test('spaces around words have no meaning', () => {
  const { type, tag, error_code, name } = queryOf({
    ...ANY,
    q: ' my film ',
    type: ' trim',
    tag: 'a ',
    code: ' ',
  })
  expect({ type, tag, error_code, name }).toEqual({ type: 'trim', tag: 'a', name: 'my film' })
})
