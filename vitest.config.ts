import { availableParallelism } from 'node:os'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers'
import { defineConfig } from 'vitest/config'

/** The real runtime with the bindings of wrangler.toml and additional ones. */
const workerd = (more: Record<string, string> = {}) =>
  cloudflareTest(async () => ({
    wrangler: { configPath: './wrangler.toml' },
    miniflare: {
      bindings: {
        TEST_MIGRATIONS: await readD1Migrations('migrations'),
        ENVIRONMENT: 'development',
        PUBLIC_URL: 'https://exportal.test',
        RUNPOD_ENDPOINT: 'https://runpod.test/v2/ep',
        // The actors have one with a limit as well.
        RUNPOD_ENDPOINTS: JSON.stringify({
          default: { url: 'https://runpod.test/v2/ep' },
          single: { url: 'https://runpod.test/v2/ep', places: 1 },
        }),
        RUNPOD_API_KEY: 'the-runpod-key-of-the-tests',
        ACCESS_TEAM_DOMAIN: 'team.cloudflareaccess.com',
        ACCESS_AUD: 'the-audience-of-the-tests',
        ...more,
        ...(process.env.FUZZ_RUNS && { FUZZ_RUNS: process.env.FUZZ_RUNS }),
      },
    },
  }))

/**
 * Three environments, one command. `core` and `node` run in plain Node, `workerd` inside the real runtime with the
 * bindings of wrangler.toml. End-to-end tests start real processes and have a longer limit.
 */
export default defineConfig({
  test: {
    // All cores: by default one is kept free, which is half of two.
    maxWorkers: availableParallelism(),
    projects: [
      // Files share a process: starting one for each took longer than most of their tests.
      {
        test: {
          name: 'core',
          isolate: false,
          // Only for slow, busy computers.
          testTimeout: 30_000,
          include: ['test/{core,lane,shared,simulation,mutants}/**/*.test.ts'],
        },
      },
      {
        // The walk through every state of a job, of which `core` makes parts; run by `npm run test:states`.
        test: { name: 'walk', include: ['test/core/walk.test.ts'], env: { WALK: 'whole' } },
      },
      {
        test: {
          name: 'node',
          isolate: false,
          include: [
            'test/runpod-local/**/*.test.ts',
            'test/client/**/*.test.ts',
            'test/web/**/*.test.ts',
            'test/repo/**/*.test.ts',
            'test/e2e/soak/*.test.ts',
          ],
          testTimeout: 20_000,
        },
      },
      {
        plugins: [workerd()],
        test: {
          name: 'workerd',
          // A separate runtime for each file took longer to start than its tests took to run.
          isolate: false,
          // Only for slow, busy computers; no test waits for a real clock.
          testTimeout: 30_000,
          hookTimeout: 30_000,
          include: ['test/actor/**/*.test.ts', 'test/http/**/*.test.ts'],
          globalSetup: 'test/support/node/in-memory.ts',
          setupFiles: ['test/support/workerd/setup.ts'],
        },
      },
      {
        test: {
          name: 'e2e',
          isolate: false,
          globalSetup: 'test/support/node/shared-stack.ts',
          include: ['export', 'inputs', 'uploads', 'webhooks'].map((name) => `test/e2e/${name}.test.ts`),
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Two hundred requests of each kind for every operation, where `workerd` makes five; run by `npm run test:api`.
        plugins: [workerd({ GENERATED_REQUESTS: '200' })],
        test: {
          name: 'api',
          include: ['test/http/edge/generated.test.ts'],
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
        // Lanes with processes of their own; with LANES=full as many jobs as a busy day has. Run by `npm run test:lanes`.
        test: {
          name: 'lanes',
          include: ['lanes', 'endpoints', 'outage'].map((name) => `test/e2e/${name}.test.ts`),
          testTimeout: 300_000,
          hookTimeout: 300_000,
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
        // Whatever makes ffmpeg work: both workers, over files that it makes as well; run by `npm run test:media`.
        test: {
          name: 'media',
          include: ['test/media/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Deploys by the real wrangler to a Cloudflare on loopback; run by `npm run test:deploy`.
        test: {
          name: 'deploy',
          include: ['test/e2e/deploy/**/*.test.ts'],
          // Each starts wrangler dozens of times: half a minute, or many on a busy machine.
          testTimeout: 900_000,
        },
      },
      {
        // Installs the packed client into projects of its own; run by `npm run test:package`.
        test: {
          name: 'package',
          include: ['test/package/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        // Installs generators of clients from the registry; run by `npm run test:generated`.
        test: {
          name: 'generated',
          include: ['test/generated/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 180_000,
        },
      },
      {
        // Takes over a minute, most of it a job's own patience; run by `npm run test:crash`.
        test: {
          name: 'crash',
          include: ['cancel', 'crash', 'hibernation', 'line', 'started-stack'].map(
            (name) => `test/e2e/${name}.test.ts`,
          ),
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
})
