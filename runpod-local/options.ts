/** The options of `node runpod-local/main.ts`, from its flags and environment variables. */
import { parseArgs } from 'node:util'
import type { RunpodLocalOptions } from './start.ts'
import { EXTERNAL } from './worker/external/download.ts'

/** Reads flags and environment variables; flags take precedence. @throws Error for an invalid value */
export function readOptions(args: string[], env: NodeJS.ProcessEnv): RunpodLocalOptions {
  const { values } = parseArgs({ args, options: { port: { type: 'string' }, dir: { type: 'string' } } })
  const number = (name: string, text: string | undefined): number | undefined => {
    if (text === undefined || text === '') return undefined
    const value = Number(text)
    if (!Number.isInteger(value) || value < 0)
      throw new Error(`${name} must be a whole number, not "${text}"`)
    return value
  }
  const fromEnv = (name: string) => number(name, env[name])
  const worker = env.RUNPOD_LOCAL_WORKER || 'video'
  if (worker !== 'video' && worker !== 'noop' && worker !== 'none')
    throw new Error('RUNPOD_LOCAL_WORKER must be video, noop or none')
  const all = {
    port: number('--port', values.port) ?? fromEnv('RUNPOD_LOCAL_PORT'),
    dir: values.dir ?? (env.RUNPOD_LOCAL_DIR || undefined),
    apiKey: env.RUNPOD_LOCAL_API_KEY || undefined,
    workers: fromEnv('RUNPOD_LOCAL_WORKERS'),
    worker,
    noopReports: fromEnv('RUNPOD_LOCAL_NOOP_REPORTS'),
    noopIntervalMs: fromEnv('RUNPOD_LOCAL_NOOP_INTERVAL_MS'),
    faults: env.RUNPOD_LOCAL_FAULTS ? JSON.parse(env.RUNPOD_LOCAL_FAULTS) : undefined,
    policyBounds: env.RUNPOD_LOCAL_POLICY_BOUNDS === 'off' ? false : undefined,
    webhookRetryMs: fromEnv('RUNPOD_LOCAL_WEBHOOK_RETRY_MS'),
    lostWorkerMs: fromEnv('RUNPOD_LOCAL_LOST_WORKER_MS'),
    external: env.RUNPOD_LOCAL_LOOPBACK_INPUTS === 'on' ? { ...EXTERNAL, allowLoopback: true } : undefined,
    reportIntervalMs: fromEnv('RUNPOD_LOCAL_REPORT_INTERVAL_MS'),
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}
