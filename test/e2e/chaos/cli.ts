/**
 * `npm run test:chaos -- [--jobs 60] [--kills 10] [--seed N]`: creates jobs in a loop while the service and
 * runpod-local are killed at random instants, RunPod misbehaves in changing ways, and the workers' lines break, are
 * refused, or lose, repeat and delay messages; then checks every accepted job.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { freePort, Stack } from '../../../scripts/stack.ts'
import { Chance } from '../../support/chance.ts'
import {
  type Findings,
  findDisagreements,
  findDoubleCharges,
  findLeftovers,
  findOrphans,
  settle,
} from './checks.ts'
import { type LineCounts, World } from './world.ts'

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '60' },
    kills: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    keep: { type: 'boolean', default: false },
  },
})
const jobs = Number(values.jobs)
const kills = Number(values.kills)
const seed = Number(values.seed)

/** Short timeouts, so that all events of a job fit into minutes. */
const POLICY = {
  max_attempts: 8,
  queue_timeout_seconds: 60,
  stall_timeout_seconds: 5,
  execution_timeout_seconds: 20,
  deadline_seconds: 150,
}

async function main(): Promise<boolean> {
  const started = Date.now()
  const chance = new Chance(seed)
  const stateDir = await mkdtemp(join(tmpdir(), 'exportal-chaos-'))
  const servicePort = await freePort(0)
  const runpodPort = await freePort(0)
  const runpodEnv = {
    RUNPOD_LOCAL_WORKER: 'noop',
    RUNPOD_LOCAL_WORKERS: '4',
    RUNPOD_LOCAL_NOOP_REPORTS: '8',
    RUNPOD_LOCAL_NOOP_INTERVAL_MS: '300',
    RUNPOD_LOCAL_WEBHOOK_RETRY_MS: '1000',
    RUNPOD_LOCAL_LOST_WORKER_MS: '3000',
  }
  const world = new World(new Stack({ stateDir, servicePort, runpodPort, runpodEnv }), chance)
  console.log(`seed ${seed}: ${jobs} jobs, ${kills} kills, state in ${stateDir}`)
  try {
    await world.stack.start()
    const ids = await storm(world, chance)
    await world.switchFaults({})
    console.log(
      `${ids.length} jobs accepted, ${world.kills} kills; waiting for all to end (${seconds(started)})`,
    )
    const ended = await settle(world, ids, 170_000)
    const orphans = await findOrphans(world, 20_000)
    const disagreeing = await findDisagreements(world, ids, 30_000)
    for (const [id, job] of await settle(world, ids, 5_000)) ended.set(id, job)
    await world.stack.stop()
    const outcomes: Record<string, number> = {}
    for (const job of ended.values()) {
      const outcome = job.error ? `${job.status}: ${job.error.code}` : job.status
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
    }
    const findings: Findings = {
      lost: ids.filter((id) => !ended.has(id)),
      doubleCharged: findDoubleCharges(world.runs, world.downtimes),
      disagreeing,
      orphans,
      leftBehind: await findLeftovers(stateDir, ended),
      outcomes,
    }
    return tell(findings, await world.lines(), ids.length, started)
  } finally {
    await world.stack.stop()
    if (!values.keep) await rm(stateDir, { recursive: true, force: true })
  }
}

/** Creates, cancels, kills and switches faults concurrently; returns the ids of the accepted jobs. */
async function storm(world: World, chance: Chance): Promise<string[]> {
  const input = await uploadInput(world)
  const ids: string[] = []
  let creating = true
  const create = async () => {
    for (let n = 0; n < jobs; n++) {
      const body = { project_id: 1, type: 'transcode', input_video_key: input, params: {}, policy: POLICY }
      const id = await world.create(body, `chaos-${seed}-${n}`)
      if (id) ids.push(id)
      if (id && chance.happens(0.1)) void cancelLater(world, id, chance.between(0, 5_000))
      await pause(chance.between(100, 1_200))
    }
    creating = false
  }
  const strike = async () => {
    while (world.kills < kills) {
      await pause(chance.between(2_000, 5_000))
      await world.strike()
    }
  }
  const misbehave = async () => {
    while (creating || world.kills < kills) {
      await world.switchFaults()
      await pause(chance.between(1_500, 4_000))
    }
  }
  await Promise.all([create(), strike(), misbehave()])
  return ids
}

async function cancelLater(world: World, id: string, afterMs: number): Promise<void> {
  await pause(afterMs)
  await world.call(`/api/jobs/${id}/cancel`, { method: 'POST' })
}

async function uploadInput(world: World): Promise<string> {
  const body = 'not read by the worker of this test'
  const request = { filename: 'clip.mp4', content_type: 'video/mp4', size_bytes: body.length, project_id: 1 }
  const plan = await world.call('/api/videos/upload-url', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(request),
  })
  if (plan?.status !== 200) throw new Error(`upload-url answered ${plan?.status}`)
  const { upload_url, video_key } = (await plan.json()) as { upload_url: string; video_key: string }
  const put = await fetch(upload_url, { method: 'PUT', headers: { 'Content-Type': 'video/mp4' }, body })
  if (!put.ok) throw new Error(`The upload answered ${put.status}: ${await put.text()}`)
  return video_key
}

function tell(findings: Findings, lines: LineCounts, accepted: number, started: number): boolean {
  const { outcomes, ...wrong } = findings
  console.log(`\n${accepted} jobs accepted, ended as:`, outcomes)
  for (const [name, list] of Object.entries(wrong)) {
    console.log(`${name.padEnd(14)} ${list.length}`)
    for (const line of list) console.log(`  ${line}`)
  }
  console.log('lines         ', lines)
  const isUsed = lines.opened > 0 && lines.cut > 0 && lines.acks > 0
  if (!isUsed) console.log('The lines were not used as they should be.')
  const good = isUsed && Object.values(wrong).every((list) => list.length === 0)
  console.log(`${good ? 'All accounted for' : 'FAILED'} in ${seconds(started)}; seed ${seed}`)
  return good
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(0)} s`
}

process.exitCode = (await main()) ? 0 : 1
