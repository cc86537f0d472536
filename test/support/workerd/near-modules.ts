/**
 * The way from an actor or entrypoint to the Worker's modules, made short. The plugin imports the Worker anew for every
 * call, by a request to the object that runs the tests, since only there may a module be fetched: that took as much
 * time as the call itself. Once the modules are there, nothing is fetched, and the import can run where it is.
 */
import { maybeHandleRunRequest } from 'cloudflare:test-internal'
import { env } from 'cloudflare:workers'

/** The name of the plugin's own binding. */
const RUNNER = '__VITEST_POOL_WORKERS_RUNNER_OBJECT'

/** Only after a first call has brought the Worker's modules. */
export function runImportsInPlace(): void {
  const stub = { fetch: (_url: string, action: RequestInit) => maybeHandleRunRequest(action, null) }
  Object.assign(env, { [RUNNER]: { get: () => stub } })
}
