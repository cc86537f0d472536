/** A child process and everything it starts, as one group, so that exactly these processes can be ended. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'

export interface GroupOptions {
  command: string
  args: readonly string[]
  env: Record<string, string>
  cwd: string
  /** Both output streams are appended to this file. */
  logFile: string
}

export class ProcessGroup {
  readonly #child: ChildProcess
  readonly logFile: string
  /** Resolves with the leader's exit code when it has ended (null after a signal). */
  readonly exited: Promise<number | null>

  constructor(options: GroupOptions) {
    this.logFile = options.logFile
    mkdirSync(dirname(options.logFile), { recursive: true })
    const log = createWriteStream(options.logFile, { flags: 'a' })
    this.#child = spawn(options.command, options.args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    this.#child.stdout?.pipe(log, { end: false })
    this.#child.stderr?.pipe(log, { end: false })
    this.exited = new Promise((resolve) => {
      this.#child.once('error', () => resolve(1))
      this.#child.once('exit', (code) => resolve(code))
    })
    // Other processes of the group may write longer than their leader lives.
    this.#child.once('close', () => log.end())
  }

  /** The group's id; null when it could not be started. */
  get id(): number | null {
    return this.#child.pid ?? null
  }

  /** Sends a signal to every process of the group. */
  kill(signal: NodeJS.Signals): void {
    if (this.id !== null) signalGroup(this.id, signal)
  }

  /** Sends SIGTERM to the group, and kills the rest of it after `graceMs`. */
  async stop(graceMs = 5_000): Promise<void> {
    if (this.id === null) return
    await stopGroup(this.id, graceMs)
    await this.exited
  }
}

/** Sends SIGTERM to the group, and SIGKILL to the rest of it after `graceMs`. */
export async function stopGroup(id: number, graceMs: number): Promise<void> {
  signalGroup(id, 'SIGTERM')
  const deadline = Date.now() + graceMs
  while (groupIsAlive(id) && Date.now() < deadline) await pause(50)
  signalGroup(id, 'SIGKILL')
  // A killed process ends at once unless it is stuck in the kernel, so the wait is short.
  const end = Date.now() + 2_000
  while (groupIsAlive(id) && Date.now() < end) await pause(20)
}

function signalGroup(id: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-id, signal)
  } catch {
    // The group has no processes any more.
  }
}

function groupIsAlive(id: number): boolean {
  return groupCommands(id).length > 0
}

/** Whether a process is alive; a zombie is not. */
export function isAlive(pid: number): boolean {
  return processes().some((each) => each.pid === pid && each.state !== 'Z')
}

/** The ids of a group's living processes. */
export function groupMembers(id: number): number[] {
  return processes().flatMap(({ pid, group, state }) => (group === id && state !== 'Z' ? [pid] : []))
}

/** The command lines of a group's living processes, without zombies. */
export function groupCommands(id: number): string[] {
  return processes().flatMap(({ group, state, command }) => (group === id && state !== 'Z' ? [command] : []))
}

function processes(): Process[] {
  return existsSync('/proc/self/stat') ? processesOfProc() : processesOfPs()
}

interface Process {
  pid: number
  group: number
  state: string
  command: string
}

/** On Linux, without `ps`, which small images lack. */
function processesOfProc(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      // The second field is the name in brackets, of arbitrary characters; state, parent and group follow it.
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      const [state = '', , group = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return [{ pid: Number(name), group: Number(group), state, command }]
    } catch {
      return []
    }
  })
}

function processesOfPs(): Process[] {
  const listing = execFileSync('ps', ['-A', '-o', 'pid=,pgid=,stat=,args='], { encoding: 'utf8' })
  return listing.split('\n').flatMap((line) => {
    const [, pid, group, state = '', command = ''] = /^\s*(\d+)\s+(\d+)\s+(\S)\S*\s+(.*)$/.exec(line) ?? []
    return pid && group ? [{ pid: Number(pid), group: Number(group), state, command }] : []
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
