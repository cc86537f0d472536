/** The Worker: HTTP in, RPC out. */
import type { Env } from './env.ts'
import { logFigures } from './log.ts'
import { handle } from './router.ts'
import { sweep } from './sweep.ts'

export { ExportJob } from '../actors/export-job/export-job.ts'
export { Upload } from '../actors/upload/upload.ts'

export default {
  fetch: handle,
  /** The sweep; what it found is one line of the log. */
  async scheduled(_controller, env) {
    logFigures('sweep', await sweep(env, Date.now()))
  },
} satisfies ExportedHandler<Env>
