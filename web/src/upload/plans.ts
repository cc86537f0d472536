/** Upload plans by Uppy's id of the file, kept over a reload for as long as their addresses hold. */
import type { UploadPlan } from '../service.ts'

const PREFIX = 'exportal:upload:'

export function rememberPlan(fileId: string, plan: UploadPlan): void {
  try {
    localStorage.setItem(PREFIX + fileId, JSON.stringify(plan))
  } catch {
    // No storage: a reload begins the upload anew.
  }
}

export function planOf(fileId: string): UploadPlan | null {
  try {
    const text = localStorage.getItem(PREFIX + fileId)
    const plan: UploadPlan | null = text === null ? null : JSON.parse(text)
    return plan && Date.parse(plan.expires_at) > Date.now() ? plan : null
  } catch {
    return null
  }
}

export function forgetPlan(fileId: string): void {
  try {
    localStorage.removeItem(PREFIX + fileId)
  } catch {
    // Nothing was kept.
  }
}
