/** Rules that are easily violated unnoticed, checked by reading the sources. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')

/** Each line of code of these folders, as `file: line`. */
function linesOf(folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/(^|\/)(node_modules|dist|out)\//.test(path))
    .flatMap((path) =>
      readFileSync(path, 'utf8')
        .split('\n')
        .map((line) => `${relative(ROOT, path)}: ${line.trim()}`),
    )
    .filter((line) => !/: (?:\/\/|\/?\*)/.test(line))
}

/** The lines that match, except those in the allowed files. */
function strays(folders: readonly string[], form: RegExp, allowed: readonly string[]): string[] {
  return linesOf(folders).filter((line) => form.test(line) && !allowed.includes(line.split(':')[0] ?? ''))
}

test('A text that says an instant is read by the one parser of instants, or of HTTP dates', () => {
  const readers = ['actors/shared/instant.ts', 'actors/shared/http-date.ts']
  expect(strays(['src', 'actors'], /\bDate\.(?:parse|UTC)\(/, readers)).toEqual([])
  // These create a Date from milliseconds.
  const makers = [
    'actors/export-job/core/iso.ts',
    'actors/export-job/effects/webhook.ts',
    'src/auth/access-token.ts',
    'src/auth/access.ts',
    'src/files/s3.ts',
  ]
  expect(strays(['src', 'actors'], /\bnew Date\(/, [...readers, ...makers])).toEqual([])
})

test('A text is cut by `cutText`, never within a character', () => {
  const cut =
    /\.(?:substring|substr)\(|\.slice\((?:0, )?-?(?:\d[\d_]{2,}|\w*(?:CHARACTER|LENGTH|TEXT|SHOWN)\w*)\)/
  expect(strays(['src', 'actors', 'client', 'web/src', 'runpod-local', 'scripts'], cut, [])).toEqual([])
})
