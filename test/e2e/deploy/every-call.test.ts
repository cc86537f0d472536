/**
 * Failures of the API: each call of a first deployment fails, before or after its effect. One account goes through all
 * of them, as when one person repeats the same command.
 */
import { expect, test } from 'vitest'
import type { Call, Fault } from './cloudflare.ts'
import { Rehearsal } from './rehearsal.ts'

/** Every call that changes something, and must be among those tested. */
const CHANGES: readonly Call[] = [
  'POST /d1/database',
  'POST /d1/database/:name/query',
  'POST /r2/buckets',
  'POST /workers/scripts/:name/assets-upload-session',
  'PUT /workers/scripts/:name',
  'POST /workers/scripts/:name/versions',
  'POST /workers/scripts/:name/deployments',
  'POST /workers/scripts/:name/subdomain',
  'PUT /workers/scripts/:name/schedules',
]

/** wrangler continues without these, with a warning. */
const OPTIONAL: readonly Call[] = ['POST /graphql', 'PATCH /workers/scripts/:name/script-settings']

test.each<Fault>(['refuse', 'lose'])(
  'a deployment goes on wherever the API did %s a call',
  { timeout: 3_600_000 },
  async (fault) => {
    await using rehearsal = await Rehearsal.open()
    const { cloudflare } = rehearsal
    const failed = new Set<Call>()
    for (let undisturbed = false; !undisturbed; ) {
      // wrangler retries some calls at once, and continues without others: each new one fails for a whole run.
      const broken = new Set<Call>()
      cloudflare.fault = (call) => {
        if (failed.has(call) || OPTIONAL.includes(call)) return null
        broken.add(call)
        return fault
      }
      const served = await rehearsal.deploy()
      const told = /✗ [\s\S]+\n\nWhat stands: .+\nWhat to do: .+ Then run the same/.test(rehearsal.printed)
      expect(served || told, rehearsal.printed).toBe(true)
      undisturbed = broken.size === 0
      expect(!undisturbed || served, rehearsal.printed).toBe(true)
      for (const call of broken) failed.add(call)
    }
    expect([...failed]).toEqual(expect.arrayContaining([...CHANGES]))
    expect([...cloudflare.databases.keys()]).toEqual(['exportal'])
    expect([...cloudflare.buckets]).toEqual(['exportal-videos'])
    expect(cloudflare.unknown).toEqual([])
  },
)
