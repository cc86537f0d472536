/**
 * The messages on a worker's line, the WebSocket between a GPU worker and the actor of its job: JSON text of at most 4
 * KiB each. The text `ping` is answered by `pong`, and counts as a sign of life.
 */
import type { JsonObject } from './json.ts'

/** The first message, also after each reconnect. */
export interface HelloMessage {
  type: 'hello'
  /** The `id` of the handler's job at RunPod; null when the worker does not have it. */
  runpod_job_id: string | null
  /** Random; a new one for each process and attempt. */
  instance: string
}

/** The body of a posted report, with an `n` greater than that of the previous report over either transport. */
export interface ReportMessage extends JsonObject {
  type: 'progress' | 'complete' | 'error'
  n: number
}

export type WorkerMessage = HelloMessage | ReportMessage

/** Why a worker must stop. */
export type StopReason =
  /** The job is being cancelled. */
  | 'cancelled'
  /** The attempt is closed: it failed, another one took its place, or the job has ended. */
  | 'closed'
  /** Another instance now runs the attempt. */
  | 'replaced'
  /** The attempt runs under another id at RunPod. */
  | 'stranger'
  /** The job does not exist any more. */
  | 'gone'

/** `of`: the number of the report; null when it had none. */
export type LineAnswer =
  /** The completion or error is stored durably. */
  | { type: 'ack'; of: number | null }
  | { type: 'refused'; of: number | null; code: string; detail: string }
  | { type: 'stop'; reason: StopReason }
