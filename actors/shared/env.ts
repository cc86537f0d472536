import type { Ask, ViewAnswer } from '../export-job/rpc.ts'
import type { Outcome } from '../lane/breaker.ts'
import type { AskAnswer } from '../lane/rules.ts'
import type { Ask as PlaceAsk, PlaceRef } from '../lane/state.ts'
import { positiveInteger, type SettingsEnv } from './settings.ts'

/** The methods of a lane that a job calls. */
export interface LaneVerbs extends Rpc.DurableObjectBranded {
  ask(ask: PlaceAsk): Promise<AskAnswer>
  release(ref: PlaceRef, version: number): Promise<void>
  outcome(ref: PlaceRef, outcome: Outcome): Promise<void>
  took(ask: PlaceAsk): Promise<void>
  metOutage(sentAt: number): Promise<boolean>
}

/** The bindings of the actors: the D1 list, the R2 videos, and the deployment's settings. */
export interface ActorEnv extends SettingsEnv {
  DB: D1Database
  VIDEOS: R2Bucket
  /** Other jobs, whose results may serve as inputs. */
  EXPORT_JOB: { getByName(id: string): { view(ask: Ask): Promise<ViewAnswer> } }
  LANE: DurableObjectNamespace<LaneVerbs>
  /** Cloudflare's metadata of the deployed version. */
  VERSION?: WorkerVersionMetadata
}

const GIBIBYTE = 1024 ** 3

/** The size limit of inputs, in bytes; 5 GiB if the variable is unset or invalid. */
export function maxUploadBytes({ MAX_UPLOAD_BYTES }: SettingsEnv): number {
  return positiveInteger(MAX_UPLOAD_BYTES) ?? 5 * GIBIBYTE
}

/** The id of the running version, as `wrangler deploy` prints it; null without the binding. */
export function versionOf({ VERSION }: Pick<ActorEnv, 'VERSION'>): string | null {
  return VERSION?.id ?? null
}
