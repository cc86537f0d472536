/**
 * The complete service on this computer: the Worker with its actors under `wrangler dev`, and runpod-local, both with
 * one state directory, so that the next run continues what an earlier one accepted.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { migrateLocal } from './migrate-local.ts'
import { groupCommands, isAlive, ProcessGroup, stopGroup } from './process-group.ts'
import { ROOT, WRANGLER, WRANGLER_QUIET } from './wrangler.ts'

const READY_MS = 60_000

export interface StackOptions {
  /** Contains databases, videos and logs. */
  stateDir: string
  servicePort: number
  runpodPort: number
  /** Additional settings of the service, as `--var NAME:value`. */
  vars?: Record<string, string>
  /** Maximum number of concurrent jobs at runpod-local; by default unlimited. */
  places?: number
  /** Environment variables of runpod-local, for its fault switches. */
  runpodEnv?: Record<string, string>
}

export class Stack {
  readonly options: StackOptions
  readonly url: string
  readonly runpodUrl: string
  #service: ProcessGroup | null = null
  #runpod: ProcessGroup | null = null

  constructor(options: StackOptions) {
    this.options = { ...options, stateDir: resolve(options.stateDir) }
    this.url = `http://localhost:${options.servicePort}`
    this.runpodUrl = `http://127.0.0.1:${options.runpodPort}`
  }

  get serviceLog(): string {
    return join(this.options.stateDir, 'logs', 'service.log')
  }

  get runpodLog(): string {
    return join(this.options.stateDir, 'logs', 'runpod-local.log')
  }

  /** Process group of the running service. */
  get serviceGroup(): number | null {
    return this.#service?.id ?? null
  }

  /** Process group of the running runpod-local. */
  get runpodGroup(): number | null {
    return this.#runpod?.id ?? null
  }

  /** Migrates D1, starts both processes and waits until both answer. */
  async start(): Promise<void> {
    mkdirSync(this.options.stateDir, { recursive: true })
    await this.endLeftovers()
    await migrateLocal(this.options.stateDir)
    await Promise.all([this.startRunpod(), this.startService()])
  }

  async startService(): Promise<void> {
    const { servicePort, runpodPort, stateDir, places, vars } = this.options
    const url = `http://127.0.0.1:${runpodPort}/v2/local`
    const settings: Record<string, string> = {
      ENVIRONMENT: 'development',
      PUBLIC_URL: this.url,
      RUNPOD_ENDPOINT: url,
      ...(places !== undefined && { RUNPOD_ENDPOINTS: JSON.stringify({ default: { url, places } }) }),
      RUNPOD_API_KEY: 'local-key',
      ...vars,
    }
    const args = [
      WRANGLER,
      'dev',
      '--port',
      String(servicePort),
      '--ip',
      '127.0.0.1',
      '--persist-to',
      stateDir,
    ]
    args.push('--inspector-port', '0', '--log-level', 'warn', '--show-interactive-dev-session=false')
    for (const [name, value] of Object.entries(settings)) args.push('--var', `${name}:${value}`)
    this.#service = this.#spawn(args, WRANGLER_QUIET, this.serviceLog)
    await untilAnswers(`${this.url}/health`, this.#service)
  }

  async startRunpod(): Promise<void> {
    const { runpodPort, runpodEnv, stateDir } = this.options
    const args = [join(ROOT, 'runpod-local/main.ts'), '--port', String(runpodPort)]
    args.push('--dir', join(stateDir, 'runpod-local'))
    this.#runpod = this.#spawn(args, { RUNPOD_LOCAL_LOOPBACK_INPUTS: 'on', ...runpodEnv }, this.runpodLog)
    await untilAnswers(`${this.runpodUrl}/jobs`, this.#runpod)
  }

  /** Ends the service by SIGKILL, to simulate a crash. */
  killService(): void {
    this.#service?.kill('SIGKILL')
  }

  killRunpod(): void {
    this.#runpod?.kill('SIGKILL')
  }

  async stop(): Promise<void> {
    if (!this.#service && !this.#runpod) return
    await Promise.all([this.#service?.stop(), this.#runpod?.stop()])
    rmSync(this.#pidFile, { force: true })
  }

  /** Resolves with a sentence that names the process when one has ended by itself. */
  async ended(): Promise<string> {
    const service = this.#service?.exited.then(
      (code) => `The service ended (exit code ${code}); see ${this.serviceLog}`,
    )
    const runpod = this.#runpod?.exited.then(
      (code) => `runpod-local ended (exit code ${code}); see ${this.runpodLog}`,
    )
    return (await Promise.race([service, runpod])) ?? 'Nothing was started.'
  }

  get #pidFile(): string {
    return join(this.options.stateDir, 'processes.json')
  }

  /** Whether another running launcher uses this state directory. */
  get usedByAnother(): boolean {
    const { launcher } = readNotes(this.#pidFile)
    return launcher !== null && launcher !== process.pid && isAlive(launcher)
  }

  #spawn(args: readonly string[], env: Record<string, string>, logFile: string): ProcessGroup {
    const group = new ProcessGroup({ command: process.execPath, args, env, cwd: ROOT, logFile })
    const { groups } = readNotes(this.#pidFile)
    const notes: Notes = { launcher: process.pid, groups: group.id === null ? groups : [...groups, group.id] }
    writeFileSync(this.#pidFile, JSON.stringify(notes))
    return group
  }

  /** Ends the children of a killed launcher, which would still occupy ports and databases. */
  async endLeftovers(): Promise<void> {
    if (this.usedByAnother)
      throw new Error(`${this.options.stateDir} is in use: is npm start running already?`)
    for (const id of readNotes(this.#pidFile).groups) {
      const ours = groupCommands(id).some((command) => command.includes(ROOT))
      if (ours) await stopGroup(id, 2_000)
    }
    rmSync(this.#pidFile, { force: true })
  }
}

/** The process ids of a launcher and its children, stored in the state directory for the next launcher. */
interface Notes {
  launcher: number | null
  groups: number[]
}

function readNotes(file: string): Notes {
  if (!existsSync(file)) return { launcher: null, groups: [] }
  return JSON.parse(readFileSync(file, 'utf8'))
}

/** Resolves when `url` answers 200. @throws Error when the process ended, or after a minute */
export async function untilAnswers(url: string, group: ProcessGroup): Promise<void> {
  let ended: number | null | undefined
  void group.exited.then((code) => {
    ended = code
  })
  const deadline = Date.now() + READY_MS
  while (Date.now() < deadline) {
    if (ended !== undefined)
      throw new Error(`A process ended at once (exit code ${ended}); see ${group.logFile}`)
    if (await answers(url)) return
    await new Promise((settle) => setTimeout(settle, 100))
  }
  throw new Error(`${url} did not answer within ${READY_MS / 1000} s; see ${group.logFile}`)
}

/** True when `url` answers 200 within a second. */
export async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) })
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false
  }
}

/** `wanted` if it is free, otherwise a port that the system selects. */
export async function freePort(wanted: number): Promise<number> {
  return (await tryListen(wanted)) ?? (await tryListen(0)) ?? wanted
}

function tryListen(port: number): Promise<number | null> {
  return new Promise((settle) => {
    const server = createServer()
    server.once('error', () => settle(null))
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => settle(address && typeof address === 'object' ? address.port : null))
    })
  })
}
