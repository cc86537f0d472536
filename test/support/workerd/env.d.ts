/** What `env` and `exports` of cloudflare:workers hold inside the tests: the Worker's own, and the migrations. */
import type { D1Migration } from '@cloudflare/vitest-pool-workers'
import type { Env as WorkerEnv } from '../../../src/env.ts'

declare global {
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: typeof import('../../../src/index.ts')
      durableNamespaces: 'ExportJob' | 'Upload'
    }
    interface Env extends WorkerEnv {
      TEST_MIGRATIONS: D1Migration[]
    }
  }
}
