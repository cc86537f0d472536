import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

/** The import table of the design, held by reading the sources. Folders that do not exist yet hold it too. */
const ROOT = resolve(import.meta.dirname, '../..')
const CORE = 'actors/export-job/core'
const MAX_LINES = 400
const SHORT_FOLDERS = ['src', 'actors', 'wire', 'client', 'web', 'runpod-local', 'scripts', 'bench']

/** Who may import whom, beside itself. `types` may only be imported as types; everyone may import those of `wire`. */
const MAY_IMPORT: Record<string, { values: string[]; types: string[] }> = {
  // openapi.json is made from src, and served by it.
  src: { values: ['actors', 'openapi.json'], types: [] },
  actors: { values: [], types: [] },
  web: { values: ['client'], types: [] },
  client: { values: [], types: [] },
  'runpod-local': { values: [], types: [] },
  scripts: { values: ['runpod-local', 'client'], types: [] },
  bench: { values: ['client', 'runpod-local', 'scripts'], types: [] },
  wire: { values: [], types: [] },
}

/** The one file of `wire` that is not only types, and who needs what is in it. */
const LOG_TYPES = 'wire/log-types.ts'
const KNOW_LOG_TYPES = ['src', 'web']

/** Who makes, examines or measures what the Worker does: a second description of it would only drift away. */
const SHARED_RULES: Record<string, string[]> = {
  'scripts/token.ts': ['src/access-token.ts', 'src/schemas/common.ts', 'actors/secrets.ts'],
  'scripts/openapi.ts': ['src/openapi/document.ts', 'src/problems/markdown.ts'],
  'scripts/doctor/checks.ts': ['actors/secrets.ts', 'actors/settings.ts'],
  'bench/measures/list.ts': ['src/list-query.ts'],
}
const isSharedRule = ({ file, target }: Import) => SHARED_RULES[file]?.includes(target) ?? false

interface Import {
  readonly file: string
  readonly target: string
  readonly typeOnly: boolean
}

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

/** The code alone: a word in a comment or a string is no use of it. */
function codeOf(file: string): string {
  return sourceOf(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:'"`])\/\/.*$/gm, '$1')
}

const IMPORT =
  /\b(import|export)\s+(type\s+)?(?:[^'"();]*?\s+from\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

function importsOf(file: string): Import[] {
  return [...codeOf(file).matchAll(IMPORT)].map((match) => {
    const specifier = match[3] ?? match[4] ?? ''
    const relativePath = specifier.startsWith('.')
    const target = relativePath ? relative(ROOT, resolve(ROOT, dirname(file), specifier)) : specifier
    return { file, target: relativePath ? target : `npm:${target}`, typeOnly: match[2] !== undefined }
  })
}

function topFolderOf(target: string): string | null {
  return target.startsWith('npm:') ? null : (target.split('/')[0] ?? null)
}

describe('The import table', () => {
  test.each(Object.entries(MAY_IMPORT))('%s imports only what it may', (folder, { values, types }) => {
    const allowed = (each: Import) => {
      const top = topFolderOf(each.target)
      if (top === null || top === folder || values.includes(top) || isSharedRule(each)) return true
      if (each.target === LOG_TYPES && KNOW_LOG_TYPES.includes(folder)) return true
      if (top === 'wire') return each.typeOnly
      return each.typeOnly && types.includes(top)
    }
    const strays = filesUnder(folder)
      .flatMap(importsOf)
      .filter((each) => !allowed(each))
    expect(strays).toEqual([])
  })

  test('nothing of src or actors reaches those who may only speak HTTP', () => {
    const outside = ['runpod-local', 'bench', 'web', 'client', 'scripts']
      .flatMap(filesUnder)
      .flatMap(importsOf)
    expect(outside.filter((each) => /^(src|actors)\//.test(each.target) && !isSharedRule(each))).toEqual([])
  })

  test('actors do not import the Worker', () => {
    expect(
      filesUnder('actors')
        .flatMap(importsOf)
        .filter(({ target }) => target.startsWith('src/')),
    ).toEqual([])
  })

  test('the contract is types alone, but for the one table of the types of log lines', () => {
    const withValues = filesUnder('wire').filter((file) => /^export (?!type |interface )/m.test(codeOf(file)))
    expect(withValues).toEqual([LOG_TYPES])
    expect(
      filesUnder('wire')
        .flatMap(importsOf)
        .filter(({ typeOnly }) => !typeOnly),
    ).toEqual([])
  })

  test('the Worker takes nothing of the core but types and its pure vocabulary', () => {
    const decisions =
      /\/core\/(transition|wake|attempts|answers|draft|endings|reports|observations|remote)\.ts$/
    const strays = filesUnder('src')
      .flatMap(importsOf)
      .filter(({ target, typeOnly }) => decisions.test(target) && !typeOnly)
    expect(strays).toEqual([])
  })
})

describe('The core', () => {
  const files = filesUnder(CORE)

  test('is there', () => {
    expect(files.length).toBeGreaterThan(10)
  })

  test.each(files)('%s imports nothing outside its folder but types of the contract', (file) => {
    const strays = importsOf(file).filter(
      ({ target, typeOnly }) => dirname(target) !== CORE && !(typeOnly && topFolderOf(target) === 'wire'),
    )
    expect(strays).toEqual([])
  })

  test.each(files)('%s has no clock, no randomness and no way out', (file) => {
    const forbidden =
      /\bDate\.now\b|\bnew Date\(\s*\)|\bMath\.random\b|\bcrypto\b|\bperformance\b|\bsetTimeout\b|\bfetch\(|\bconsole\b|\bprocess\b\./g
    expect([...codeOf(file).matchAll(forbidden)].map(([word]) => word)).toEqual([])
  })
})

test('Only the two logs write to the console, since what they write is made harmless', () => {
  const writers = ['src', 'actors'].flatMap(filesUnder).filter((file) => /\bconsole\b/.test(codeOf(file)))
  expect(writers).toEqual(['src/log.ts', 'actors/log.ts'])
})

describe('A timer', () => {
  /** Above 2^31-1 ms a timer fires at once, so a number that is not the code's own goes through these, or is bounded. */
  const VARIABLE: Record<string, string> = {
    'client/time.ts': 'goes in slices',
    'runpod-local/clock.ts': 'goes in slices',
    'actors/bounded-fetch.ts': 'is a constant of its callers',
    'actors/within.ts': 'is a constant of its callers',
    'src/actor-feed.ts': 'is at most what a timer can take; a stream that long begins anew',
    'src/event-source.ts': 'is a constant of its caller',
    'actors/export-job/watchers.ts': 'is at most the spacing of progress',
    'src/routes/long-poll.ts': 'is at most a minute, by the schema of the query',
    'src/routes/uploads.ts': 'is the rest of a signature, which lives for days at most',
    'runpod-local/webhook.ts': 'is a constant of its callers',
    'runpod-local/worker/ffmpeg.ts': 'is a constant of its callers',
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
  expect(naming).toEqual(['src/routes/downloads.ts', 'actors/signing.ts'])
  const signing = codeOf('actors/signing.ts')
  expect(signing.match(/signedQuery\(secret, 'download'/g)).toHaveLength(1)
  expect(signing).toMatch(/function downloadPath\(secret: string, file: OwnedFile,/)
})
