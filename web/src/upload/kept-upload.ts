/**
 * The project's unfinished upload in local storage, which all of its tabs share. One tab at a time may write it: it
 * holds a lock for as long as it sends, so that others neither offer to resume a running upload nor replace it.
 */
import type { UploadPlan } from '../../../client/index.ts'
import { projectId } from '../service.ts'

export interface Unfinished {
  name: string
  /** The stored percentage. */
  percent: number
}

interface Kept extends Unfinished {
  size: number
  plan: UploadPlan
}

export interface KeptUpload {
  recall(): Kept | null
  keep(upload: Kept | null): void
}

/** For a tab that must leave the upload of another alone: its own restarts after a reload. */
const NONE: KeptUpload = { recall: () => null, keep: () => {} }

function keptUpload(): KeptUpload {
  const name = nameOf()
  return {
    recall() {
      try {
        const kept: Kept | null = JSON.parse(localStorage.getItem(name) ?? 'null')
        return kept && Date.parse(kept.plan.expires_at) > Date.now() ? kept : null
      } catch {
        return null
      }
    },
    keep(upload) {
      try {
        if (upload) localStorage.setItem(name, JSON.stringify(upload))
        else localStorage.removeItem(name)
      } catch {
        // Storage is unavailable: a reload restarts the upload.
      }
    },
  }
}

/** Calls `send` with the kept upload, or with none while another tab is sending. */
export async function whileSending<T>(send: (kept: KeptUpload) => Promise<T>): Promise<T> {
  const locks = await usableLocks()
  if (!locks) return send(keptUpload())
  return locks.request(nameOf(), { ifAvailable: true }, (lock) => send(lock ? keptUpload() : NONE))
}

/** The unfinished upload that no tab is sending any more. */
export async function abandoned(): Promise<Unfinished | null> {
  const locks = await usableLocks()
  const { held = [] } = (await locks?.query()) ?? {}
  return held.some(({ name }) => name === nameOf()) ? null : keptUpload().recall()
}

/** Null where the browser has none: in insecure contexts, and in frames without an origin, where each call fails. */
async function usableLocks(): Promise<LockManager | null> {
  try {
    await navigator.locks.query()
    return navigator.locks
  } catch {
    return null
  }
}

function nameOf(): string {
  return `exportal:upload:${projectId()}`
}
