/** The types of `env` and `exports` of cloudflare:workers inside the tests: the Worker's own, and the migrations. */
import type { D1Migration } from '@cloudflare/vitest-pool-workers'
import type { Env as WorkerEnv } from '../../../src/env.ts'

declare global {
  /** Vite's function by which tests inside the runtime read files. */
  interface ImportMeta {
    glob<T>(pattern: string, options: { eager: true; import: 'default' }): Record<string, T>
  }
  namespace Cloudflare {
    interface GlobalProps {
      mainModule: typeof import('../../../src/index.ts')
      durableNamespaces: 'ExportJob' | 'Upload'
    }
    interface Env extends WorkerEnv {
      TEST_MIGRATIONS: D1Migration[]
      /** The number of generated requests of each kind per operation; set by `npm run test:api`. */
      GENERATED_REQUESTS?: string
      /** The number of cases per property of hostile input; unset in `npm test`. */
      FUZZ_RUNS?: string
    }
  }
}
