import { availableParallelism } from 'node:os'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers'
import { defineConfig } from 'vitest/config'

/** The real runtime with the bindings of wrangler.toml, and these besides. */
const workerd = (more: Record<string, string> = {}) =>
  cloudflareTest(async () => ({
    wrangler: { configPath: './wrangler.toml' },
    miniflare: {
      bindings: {
        TEST_MIGRATIONS: await readD1Migrations('migrations'),
        ENVIRONMENT: 'development',
        PUBLIC_URL: 'https://exportal.test',
        RUNPOD_ENDPOINT: 'https://runpod.test/v2/ep',
        RUNPOD_API_KEY: 'the-runpod-key-of-the-tests',
        ...more,
        ...(process.env.FUZZ_RUNS && { FUZZ_RUNS: process.env.FUZZ_RUNS }),
      },
    },
  }))

/**
 * Three worlds, one command. `core` and `node` run in plain Node, `workerd` inside the real runtime with the
 * bindings of wrangler.toml. End-to-end tests start real processes and have a longer limit.
 */
export default defineConfig({
  test: {
    // Every core: by default one is kept free, which of two is half.
    maxWorkers: availableParallelism(),
    projects: [
      // Files that only compute share a process: starting one for each took longer than their tests.
      { test: { name: 'core', isolate: false, include: ['test/core/**/*.test.ts'] } },
      {
        test: {
          name: 'node',
          include: [
            'test/runpod-local/**/*.test.ts',
            'test/client/**/*.test.ts',
            'test/web/**/*.test.ts',
            'test/openapi/**/*.test.ts',
            'test/scripts/**/*.test.ts',
            'test/docs/**/*.test.ts',
            'test/promises/**/*.test.ts',
          ],
          testTimeout: 20_000,
        },
      },
      {
        plugins: [workerd()],
        test: {
          name: 'workerd',
          // A runtime for each file took longer to start than its tests to run.
          isolate: false,
          // Only to be slow on a busy machine; nothing in a test waits for a real clock.
          testTimeout: 30_000,
          include: ['test/actor/**/*.test.ts', 'test/http/**/*.test.ts'],
          setupFiles: ['test/support/workerd/setup.ts'],
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/export.test.ts', 'test/e2e/uploads.test.ts', 'test/e2e/webhooks.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Two hundred requests of each kind for every operation, where `workerd` makes five; run by `npm run test:api`.
        plugins: [workerd({ GENERATED_REQUESTS: '200' })],
        test: {
          name: 'api',
          include: ['test/http/generated.test.ts'],
          setupFiles: ['test/support/workerd/setup.ts'],
          testTimeout: 120_000,
        },
      },
      {
        // Measures; run by `npm run test:figures`.
        plugins: [workerd()],
        test: {
          name: 'figures',
          include: ['test/figures/**/*.test.ts'],
          setupFiles: ['test/support/workerd/setup.ts'],
          testTimeout: 120_000,
        },
      },
      {
        // Needs python3, and ffmpeg on PATH for the most part; run by `npm run test:gpu-worker`.
        test: {
          name: 'gpu-worker',
          include: ['test/gpu-worker/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // Makes its files by ffmpeg, and renders each by both workers; run by `npm run test:media`.
        test: {
          name: 'media',
          include: ['test/media/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Takes over a minute, most of it a job's own patience; run by `npm run test:crash`.
        test: {
          name: 'crash',
          include: ['test/e2e/crash.test.ts', 'test/e2e/hibernation.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
