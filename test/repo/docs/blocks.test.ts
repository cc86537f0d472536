import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { allBlocks, blocksOf, follows, wranglerCalls } from './blocks.ts'

const ROOT = resolve(import.meta.dirname, '../../..')

describe('The commands of the documentation', () => {
  const blocks = allBlocks(ROOT)

  test('are there at all', () => {
    expect(blocks.filter(({ run }) => run).length).toBeGreaterThan(3)
  })

  test('either run in a fresh clone, or say why they do not', () => {
    const silent = blocks.filter(({ run, reason }) => run === (reason !== null))
    expect(silent.map(({ file, line }) => `${file}:${line}`)).toEqual([])
  })
})

/** A flag after `--` belongs to the script; each one must be an option of its `parseArgs`, or of its own check. */
test('Every flag that the pages give to a script of ours is one that it takes', () => {
  const { scripts } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8'))
  const calls = allBlocks(ROOT).flatMap(({ file, line, code }) =>
    [...code.matchAll(/npm run (?:--silent )?([\w:-]+) -- ([^\n|)]*)/g)].map(([, name = '', rest = '']) => ({
      at: `${file}:${line} ${name}`,
      source: /node (\S+\.ts)/.exec(scripts[name] ?? '')?.[1] ?? '',
      flags: rest.match(/(?<=--)[a-z][a-z-]*/g) ?? [],
    })),
  )
  expect(calls.length).toBeGreaterThan(3)
  const unknown = calls.flatMap(({ at, source, flags }) => {
    const text = source === '' ? '' : readFileSync(resolve(ROOT, source), 'utf8')
    return flags
      .filter((flag) => !new RegExp(`['"\\s]${flag}['"]?: \\{ type`).test(text))
      .map((flag) => `${at} --${flag}`)
  })
  expect(unknown).toEqual([])
})

describe('A page', () => {
  const page =
    '# A\n\n```sh run service\necho a\n```\n\n```output\na\n```\n\n```sh account\nb\n```\n\n```ts\nc\n```\n'

  test('is read as its shell blocks, with what they print', () => {
    expect(blocksOf('a.md', page)).toMatchObject([
      { file: 'a.md', line: 3, code: 'echo a\n', run: true, service: true, reason: null, output: 'a\n' },
      { line: 11, code: 'b\n', run: false, service: false, reason: 'account', output: null },
    ])
  })

  test.each([
    ['{"status":"ok"}\n', '{"status":"ok"}', true],
    ['{"status":"ok","ms":12}', '{"status":"ok",…}', true],
    ['first\nsecond\nthird', 'first\n…\nthird', true],
    ['first\nsecond', 'second', false],
    ['a+b', 'a.b', false],
  ])('%j follows %j: %s', (printed, shown, expected) => {
    expect(follows(printed, shown)).toBe(expected)
  })

  test('names the calls of wrangler in it', () => {
    const code = 'A=1 npx wrangler d1 create db\necho x | npx wrangler secret put KEY --env production\n'
    expect(wranglerCalls(code)).toEqual([
      { words: ['d1', 'create', 'db'], flags: [] },
      { words: ['secret', 'put', 'production'], flags: ['--env'] },
    ])
  })
})
