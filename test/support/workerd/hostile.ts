/**
 * Inputs of a hostile client: JSON edge cases, invalid bytes, almost valid tokens; and the state that they must not
 * change.
 */
import { runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'

/** The number of cases per property: few in `npm test`, any number in `npm run test:fuzz`. */
export const RUNS = Number(env.FUZZ_RUNS ?? 25)

const VALUES: readonly unknown[] = [
  null,
  true,
  '',
  'constructor',
  '__proto__',
  '\ud800',
  'a\udc00b',
  '\u0000',
  '\u202e🎬',
  'x'.repeat(70_000),
  -1,
  -0,
  0.1,
  1e21,
  1e308,
  Number.MAX_SAFE_INTEGER + 2,
  [],
  {},
  { constructor: { prototype: { cancel: true } } },
  [[[[[[]]]]]],
]

/** Texts that `JSON.stringify` never produces. */
const TEXTS: readonly string[] = [
  '',
  ' ',
  'null',
  'undefined',
  '{',
  '[]',
  '"x"',
  '1e999',
  '{"progress":1e999}',
  '{"progress":10,"progress":20}',
  '{"__proto__":{"progress":10},"progress":11}',
  '{"constructor":1,"toString":2,"hasOwnProperty":3,"progress":12}',
  '{"progress":"\\ud800"}',
  '{"progress":10,}',
  "{'progress':10}",
  '\ufeff{"progress":10}',
  '{"progress":10}\u0000',
  '{"progress":10}{"progress":11}',
  `${'['.repeat(50_000)}${']'.repeat(50_000)}`,
  `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`,
  `{"progress":${'9'.repeat(5_000)}}`,
  `{"progress":0.${'0'.repeat(5_000)}1}`,
]

const value = fc.oneof(
  fc.constantFrom(...VALUES),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ unit: 'binary' }),
)

/** A body: a valid one with some hostile fields, any text, or bytes that are not text. */
export function hostileBody(good: Record<string, unknown>): fc.Arbitrary<string | Uint8Array> {
  const names = [...Object.keys(good), 'constructor', 'more', '\u0000']
  const changed = fc
    .dictionary(fc.constantFrom(...names), value, { maxKeys: 3 })
    .map((changes) => JSON.stringify({ ...good, ...changes }))
  return fc.oneof(
    { weight: 6, arbitrary: changed },
    { weight: 3, arbitrary: fc.constantFrom(...TEXTS) },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  )
}

/** Headers that may be sent with a body. */
export const hostileHeaders: fc.Arbitrary<Record<string, string>> = fc.oneof(
  { weight: 5, arbitrary: fc.constant<Record<string, string>>({ 'Content-Type': 'application/json' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Record<string, string>>(
      { 'Content-Type': 'text/plain' },
      { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip' },
      { 'Content-Type': 'application/json', 'Content-Encoding': 'gzip, identity' },
      { 'Content-Type': 'application/json; charset=utf-16' },
      { 'Content-Type': `application/json;${'a'.repeat(4_000)}` },
      { 'Content-Type': 'application/json', 'X-Request-Id': '"{}$(id)' },
      {
        'Content-Type': 'application/json',
        'X-Forwarded-Host': 'evil.test',
        'X-HTTP-Method-Override': 'DELETE',
      },
    ),
  },
)

/** `good` with a small change, truncated, doubled, or replaced; never `good` itself. */
export function nearly(good: string): fc.Arbitrary<string> {
  const at = fc.nat(good.length - 1)
  const letter = fc.constantFrom(...'0123456789abcXYZ_-.~%')
  const changed = fc.tuple(at, letter).map(([n, char]) => good.slice(0, n) + char + good.slice(n + 1))
  return fc
    .oneof(
      { weight: 4, arbitrary: changed },
      at.map((n) => good.slice(0, n)),
      fc.constantFrom(`${good}.`, `${good}${good}`, good.toUpperCase(), 'null', '__proto__', '1.1.1.x'),
      fc.stringMatching(/^[\w.~-]{1,80}$/),
    )
    .filter((text) => text !== good)
}

/** Text for a query or a path, percent-encoded or with as many raw characters as a URL may contain. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    '-1',
    '1e3',
    '0x10',
    '99999999999999999999',
    'NaN',
    'null',
    '__proto__',
    "1' OR '1'='1",
    '../../etc/passwd',
    '\u0000',
    'x'.repeat(3_000),
  ),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.base64String({ maxLength: 60 }),
)

/** Every row of the job's actor, and its row in the list. */
export async function stateOf(jobId: string): Promise<unknown> {
  const actor = await runInDurableObject(env.EXPORT_JOB.getByName(jobId), rowsOf)
  const row = await env.DB.prepare('SELECT * FROM export_jobs WHERE id = ?').bind(jobId).first()
  return { actor, row }
}

/** Every row of the actor of one upload. */
export function uploadStateOf(key: string): Promise<unknown> {
  return runInDurableObject(env.UPLOAD.getByName(key), rowsOf)
}

async function rowsOf(_instance: unknown, { storage }: DurableObjectState): Promise<unknown> {
  const tables = storage.sql
    .exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    )
    .toArray()
  const rows = tables.map(({ name }) => [name, storage.sql.exec(`SELECT * FROM "${name}"`).toArray()])
  return { rows, alarm: await storage.getAlarm() }
}
