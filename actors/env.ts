import type { SettingsEnv } from './settings.ts'

/** What the actors need bound: the list, the videos, and the deployment's settings. */
export interface ActorEnv extends SettingsEnv {
  DB: D1Database
  VIDEOS: R2Bucket
}
