/** Before each test file: the tables of the list, and a console whose every line is searched for secrets. */
import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, expect } from 'vitest'
import { search, watchConsole } from './secret-scan.ts'

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS)

watchConsole()
afterEach(() => {
  expect(search().leaks, 'lines of the log that hold a secret').toEqual([])
})
