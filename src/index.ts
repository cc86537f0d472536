/** Entry point of the Worker: HTTP in, RPC out. */

import { env } from 'cloudflare:workers'
import { versionOf } from '../actors/shared/env.ts'
import { setWorkerVersion } from '../actors/shared/log.ts'
import { sweep } from './d1/sweep.ts'
import type { Env } from './env.ts'
import { logFigures } from './http/log.ts'
import { handle } from './router.ts'

export { ExportJob } from '../actors/export-job/export-job.ts'
export { Lane } from '../actors/lane/lane.ts'
export { Upload } from '../actors/upload/upload.ts'
export { Exports } from './exports.ts'

setWorkerVersion(versionOf(env as Env))

export default {
  fetch: handle,
  /** Runs the sweep, and logs its figures in one line. */
  async scheduled(_controller, env) {
    logFigures('sweep', await sweep(env, Date.now()))
  },
} satisfies ExportedHandler<Env>
