/** The file of secrets, as a person wrote it, and as the deployment continues it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { stepsOf } from '../../scripts/deploy/steps.ts'
import { secretsIn, wranglerOf } from '../../scripts/wrangler.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'exportal-secrets-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const fileOf = () => join(root, '.dev.vars.production')

async function makeSecret(): Promise<void> {
  const account = { databaseBytes: 0, secrets: [] }
  const deployment = {
    environment: 'production',
    worker: 'exportal',
    database: 'exportal',
    bucket: 'videos',
    bindings: ['DB', 'VIDEOS', 'EXPORT_JOB', 'UPLOAD', 'LANE'],
    vars: {},
    secrets: secretsIn(fileOf()),
    rateLimit: null,
    crons: [],
    observed: true,
    account,
  } as const
  const outside = { fetch: () => Promise.reject(new Error('offline')), pause: async () => {}, now: () => 0 }
  const tools = { wrangler: wranglerOf('production', { root }), outside, ci: false }
  await stepsOf(deployment, account, tools)
    .find(({ does }) => does.startsWith('Make an AUTH_SECRET'))
    ?.run()
}

test.each(['RUNPOD_API_KEY=rpa_key', 'RUNPOD_API_KEY=rpa_key\n', 'RUNPOD_API_KEY=rpa_key\r\n'])(
  'A secret that is made leaves the others as they are: %j',
  async (text) => {
    writeFileSync(fileOf(), text)
    await makeSecret()
    const { AUTH_SECRET, ...others } = parseEnv(readFileSync(fileOf(), 'utf8'))
    expect(AUTH_SECRET).toHaveLength(64)
    expect(others).toEqual({ RUNPOD_API_KEY: 'rpa_key' })
  },
)

test('The first secret of a file without others stands alone', async () => {
  await makeSecret()
  expect(readFileSync(fileOf(), 'utf8')).toMatch(/^AUTH_SECRET="[^"]{64}"\n$/)
})

test('A byte order mark is not part of a name', () => {
  writeFileSync(fileOf(), '\uFEFFAUTH_SECRET=a\r\nRUNPOD_API_KEY=b\r\n')
  expect(secretsIn(fileOf())).toEqual({ AUTH_SECRET: 'a', RUNPOD_API_KEY: 'b' })
})
