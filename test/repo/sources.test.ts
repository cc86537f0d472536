import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

/** Rules for the sources that Biome cannot express. The allowed imports are in biome.json. */
const ROOT = resolve(import.meta.dirname, '../..')
const CORE = 'actors/export-job/core'
const MAX_LINES = 400
const SHORT_FOLDERS = ['src', 'actors', 'wire', 'client', 'web', 'runpod-local', 'scripts', 'bench']

function filesUnder(folder: string): string[] {
  const path = join(ROOT, folder)
  if (!existsSync(path)) return []
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter(
      (entry) => entry.isFile() && /\.(ts|tsx|mts|js|mjs)$/.test(entry.name) && !entry.name.endsWith('.d.ts'),
    )
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((file) => !/(^|\/)(node_modules|dist|out)\//.test(file))
    .sort()
}

function sourceOf(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

/** The code without comments, since a name in a comment is not a use of it. */
function codeOf(file: string): string {
  return sourceOf(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
}

/** The compiler then requires `import type` for imports from it. */
test('The contract is types alone, but for the tables of the types of log lines and of the words of failures', () => {
  const withValues = filesUnder('wire').filter((file) => /^export (?!type |interface )/m.test(codeOf(file)))
  expect(withValues).toEqual(['wire/failures.ts', 'wire/log-types.ts'])
})

describe('The core', () => {
  const files = filesUnder(CORE)

  test('is there', () => {
    expect(files.length).toBeGreaterThan(10)
  })

  test.each(files)('%s has no clock, no randomness and no way out', (file) => {
    const forbidden =
      /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bcrypto\b|\bperformance\b|\bsetTimeout\b|\bfetch\(|\bconsole\b|\bprocess\b\./g
    expect([...codeOf(file).matchAll(forbidden)].map(([word]) => word)).toEqual([])
  })
})

test('Only one file writes to the console, since what it writes is made harmless', () => {
  const writers = ['src', 'actors'].flatMap(filesUnder).filter((file) => /\bconsole\b/.test(codeOf(file)))
  expect(writers).toEqual(['actors/shared/log.ts'])
})

describe('A timer', () => {
  /** Above 2^31-1 ms a timer fires at once, so a delay that is not a constant must be split here, or be bounded. */
  const VARIABLE: Record<string, string> = {
    'client/time.ts': 'goes in slices',
    'runpod-local/clock.ts': 'goes in slices',
    'actors/shared/bounded-fetch.ts': 'is a constant of its callers',
    'actors/shared/with-timeout.ts': 'is a constant of its callers',
    'src/watch/feed.ts': 'is at most what a timer can take; a stream that long begins anew',
    'src/http/sse.ts': 'is a constant of its caller',
    'actors/export-job/watchers.ts': 'is at most the spacing of progress',
    'src/watch/long-poll.ts': 'is at most a minute, by the schema of the query',
    'src/files/put.ts': 'is the rest of a signature, which lives for days at most',
    'runpod-local/webhook.ts': 'is a constant of its callers',
    'runpod-local/worker/reports.ts': 'is a constant of its callers',
    'scripts/process-group.ts': 'is a constant of its callers',
  }

  /** The last argument of each call that starts a timer. */
  function delaysOf(code: string): string[] {
    return [...code.matchAll(/\b(?:setTimeout|setInterval|AbortSignal\.timeout)\(/g)].map((call) => {
      let depth = 1
      let start = call.index + call[0].length
      let at = start
      for (; depth > 0 && at < code.length; at++) {
        const char = code[at] ?? ''
        if ('([{'.includes(char)) depth++
        else if (')]}'.includes(char)) depth--
        else if (char === ',' && depth === 1) start = at + 1
      }
      return code.slice(start, at - 1).trim()
    })
  }

  test('takes a constant, but in the named places', () => {
    const places = SHORT_FOLDERS.filter((folder) => folder !== 'bench')
      .flatMap(filesUnder)
      .filter((file) => delaysOf(codeOf(file)).some((delay) => !/^(?:[\d_]+|[A-Z][A-Z_]*)$/.test(delay)))
    expect(places.sort()).toEqual(Object.keys(VARIABLE).sort())
  })
})

describe('A file', () => {
  test(`of ${SHORT_FOLDERS.join(', ')} has at most ${MAX_LINES} lines`, () => {
    const long = SHORT_FOLDERS.flatMap(filesUnder)
      .map((file) => ({ file, lines: sourceOf(file).trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > MAX_LINES)
    expect(long).toEqual([])
  })
})

test('A download is signed in one function, which asks for the proof of whose the file is', () => {
  const naming = ['src', 'actors', 'scripts']
    .flatMap(filesUnder)
    .filter((file) => /['"`]download['"`]/.test(codeOf(file)))
  expect(naming).toEqual(['src/files/download.ts', 'actors/shared/signing.ts'])
  const signing = codeOf('actors/shared/signing.ts')
  expect(signing.match(/signedQuery\(secret, 'download'/g)).toHaveLength(1)
  expect(signing).toMatch(/function downloadPath\(secret: string, file: OwnedFile,/)
})
