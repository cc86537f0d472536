import project from '../../package.json' with { type: 'json' }

/** Identifies the worker in its requests, as the one in `gpu-worker/` does. */
export const USER_AGENT = `exportal-gpu-worker/${project.version}`
