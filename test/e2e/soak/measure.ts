/** Resources of the service at one moment, read from the system (Linux) and from its state on disk. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { groupMembers } from '../../../scripts/process-group.ts'
import type { Stack } from '../../../scripts/stack.ts'

export interface Sample {
  /** Seconds since the measured phase began. */
  at: number
  /** Resident memory of the service's processes, MiB. */
  serviceMiB: number
  /** Resident memory of runpod-local, MiB. */
  runpodMiB: number
  /** Open files, sockets and pipes of the service, without those of the actors' databases. */
  handles: number
  /** Actors in memory: each has its database open. */
  liveActors: number
}

export function measure(stack: Stack, at: number): Sample {
  const service = membersOf(stack.serviceGroup)
  const targets = service.flatMap(openFiles)
  const actors = targets.filter((target) => /\/v3\/do\/[^/]+\/[^/]+\.sqlite/.test(target))
  const databases = actors.map((target) => target.replace(/\.sqlite.*$/, ''))
  return {
    at,
    serviceMiB: sum(service.map(residentMiB)),
    runpodMiB: sum(membersOf(stack.runpodGroup).map(residentMiB)),
    handles: targets.length - actors.length,
    liveActors: new Set(databases).size,
  }
}

/** Alarms on disk (kept in nanoseconds since the epoch): all, and those that ought to have rung `graceMs` ago. Read after the service was stopped. */
export function countAlarms(
  stateDir: string,
  now: number,
  graceMs: number,
): { all: number; overdue: number } {
  const counts = { all: 0, overdue: 0 }
  for (const file of alarmFiles(join(stateDir, 'v3', 'do'))) {
    const database = new DatabaseSync(file, { readOnly: true })
    try {
      const rows = database.prepare('SELECT scheduled_time / 1000000 AS at FROM _cf_ALARM').all()
      for (const { at } of rows) {
        counts.all += 1
        if (Number(at) < now - graceMs) counts.overdue += 1
      }
    } finally {
      database.close()
    }
  }
  return counts
}

function alarmFiles(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name === 'metadata.sqlite')
    .map((entry) => join(entry.parentPath, entry.name))
}

function membersOf(group: number | null): number[] {
  return group === null ? [] : groupMembers(group)
}

/** A process may end while it is being read; then its memory is 0. */
function residentMiB(pid: number): number {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return Number(kib ?? 0) / 1024
  } catch {
    return 0
  }
}

function openFiles(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}
