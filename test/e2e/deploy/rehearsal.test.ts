/**
 * Situations of a first deployment and an upgrade, with the real wrangler: each ends with a message, and the next run
 * continues.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Rehearsal } from './rehearsal.ts'

const WORKERS_DEV = 'https://exportal.acme.workers.dev'
const GOOD_SECRET = 'Zk3vQ9tLx7RbW2nYc5HdJ8sGmPfUeA1o4iTzXqKw'

describe('npm run deploy', () => {
  test('goes from an empty account to a served /health, and then brings a migration', async () => {
    await using rehearsal = await Rehearsal.open(2)
    const { cloudflare } = rehearsal
    expect(await rehearsal.deploy()).toBe(true)
    expect(rehearsal.printed).toContain('Applied 0001_export_jobs.sql, 0002_job_uploads.sql.')
    expect(rehearsal.printed).toContain(`Served: ${WORKERS_DEV}`)
    expect([...cloudflare.buckets]).toEqual(['exportal-videos'])
    expect(cloudflare.tablesOf('exportal')).toEqual(expect.arrayContaining(['export_jobs', 'job_uploads']))
    const script = cloudflare.script('exportal')
    expect(script).toMatchObject({ subdomain: true, domains: [], crons: ['*/5 * * * *'], migrationTag: 'v3' })
    expect(script.versions.at(-1)?.vars.PUBLIC_URL).toBe(WORKERS_DEV)
    // The generated secret is stored where its owner finds it, readable by nobody else.
    const file = join(rehearsal.root, '.dev.vars.production')
    expect(readFileSync(file, 'utf8')).toBe(`AUTH_SECRET="${script.secrets.get('AUTH_SECRET')}"\n`)
    expect(statSync(file).mode & 0o777).toBe(0o600)

    const before = script.versions.length
    const added = rehearsal.migrate().slice(2)
    expect(await rehearsal.deploy()).toBe(true)
    expect(rehearsal.printed).toContain(`Applied ${added.join(', ')}.`)
    expect(rehearsal.printed).not.toContain('Create the D1 database')
    // One version, and never one without its URL.
    expect(script.versions.slice(before).map(({ vars }) => vars.PUBLIC_URL)).toEqual([WORKERS_DEV])
    expect(cloudflare.unknown).toEqual([])
  })

  test('serves at the domain of PUBLIC_URL, and there alone', async () => {
    await using rehearsal = await Rehearsal.open()
    expect(await rehearsal.deploy()).toBe(true)
    rehearsal.setVar('PUBLIC_URL', 'https://exports.acme.org')
    expect(await rehearsal.deploy()).toBe(true)
    expect(rehearsal.printed).toContain('Served: https://exports.acme.org')
    const script = rehearsal.cloudflare.script('exportal')
    expect(script).toMatchObject({ subdomain: false, domains: ['exports.acme.org'] })
    expect(script.versions.at(-1)?.vars.PUBLIC_URL).toBe('https://exports.acme.org')
    expect(rehearsal.cloudflare.unknown).toEqual([])
  })

  test('changes nothing for a secret that everybody knows', async () => {
    await using rehearsal = await Rehearsal.open()
    rehearsal.setSecrets('AUTH_SECRET=change-me-change-me-change-me-change-me\n')
    expect(await rehearsal.deploy()).toBe(false)
    expect(rehearsal.printed).toMatch(/✗ AUTH_SECRET .*everybody knows[\s\S]*Nothing was changed/)
    expect(rehearsal.cloudflare.calls).toEqual([])
    rehearsal.setSecrets(`AUTH_SECRET=${GOOD_SECRET}\n`)
    expect(await rehearsal.deploy()).toBe(true)
  })

  test('names a secret that the running version refuses', async () => {
    await using rehearsal = await Rehearsal.open()
    // Files in CI are not kept, so none is created there.
    expect(await rehearsal.deploy({ ci: true })).toBe(false)
    expect(rehearsal.printed).toMatch(/✗ The new version refuses to serve\. .*AUTH_SECRET/)
    expect(rehearsal.printed).toContain(
      'What stands: The database exportal is there. exportal has all migrations.',
    )
    rehearsal.cloudflare.script('exportal').secrets.set('AUTH_SECRET', 'too-short')
    expect(await rehearsal.deploy({ ci: true })).toBe(false)
    expect(rehearsal.printed).toMatch(/refuses to serve\. .*AUTH_SECRET[\s\S]*wrangler secret put/)
    rehearsal.cloudflare.script('exportal').secrets.set('AUTH_SECRET', GOOD_SECRET)
    expect(await rehearsal.deploy({ ci: true })).toBe(true)
  })

  test('takes a Worker that exists by its secrets alone', async () => {
    await using rehearsal = await Rehearsal.open()
    const { cloudflare } = rehearsal
    cloudflare.draft('exportal', { AUTH_SECRET: GOOD_SECRET })
    expect(await rehearsal.deploy({ ci: true })).toBe(true)
    expect(cloudflare.script('exportal').versions.at(-1)?.vars.PUBLIC_URL).toBe(WORKERS_DEV)
  })

  test('says where to register a workers.dev subdomain', async () => {
    await using rehearsal = await Rehearsal.open()
    rehearsal.cloudflare.subdomain = null
    expect(await rehearsal.deploy()).toBe(false)
    expect(rehearsal.printed).toMatch(/workers\/onboarding[\s\S]*What to do: Register one at that address/)
    rehearsal.cloudflare.subdomain = 'acme'
    expect(await rehearsal.deploy()).toBe(true)
  })

  test('says that a domain is in no zone of the account, or not attached yet', async () => {
    await using rehearsal = await Rehearsal.open()
    rehearsal.setVar('PUBLIC_URL', 'https://exports.elsewhere.org')
    expect(await rehearsal.deploy()).toBe(false)
    expect(rehearsal.printed).toContain('What to do: The host of PUBLIC_URL must be in an active zone')
    rehearsal.setVar('PUBLIC_URL', 'https://exports.acme.org')
    rehearsal.cloudflare.records.add('exports.acme.org')
    expect(await rehearsal.deploy()).toBe(false)
    expect(rehearsal.printed).toContain('What to do: Delete the DNS record of that host')
    rehearsal.cloudflare.records.clear()
    rehearsal.cloudflare.unreachable.add('exports.acme.org')
    expect(await rehearsal.deploy()).toBe(false)
    expect(rehearsal.printed).toContain('✗ exports.acme.org does not answer yet')
    expect(rehearsal.printed).toContain('exportal is deployed.')
    rehearsal.cloudflare.unreachable.clear()
    expect(await rehearsal.deploy()).toBe(true)
  })

  test('does not take an old version for the new one', async () => {
    await using rehearsal = await Rehearsal.open()
    expect(await rehearsal.deploy()).toBe(true)
    const old = rehearsal.cloudflare.script('exportal').versions.at(-1)?.id ?? ''
    rehearsal.cloudflare.stale.set('exportal', old)
    expect(await rehearsal.deploy()).toBe(false)
    expect(rehearsal.printed).toContain(
      `✗ An older version still answers at exportal.acme.workers.dev: ${old}`,
    )
    rehearsal.cloudflare.stale.clear()
    expect(await rehearsal.deploy()).toBe(true)
  })
})
