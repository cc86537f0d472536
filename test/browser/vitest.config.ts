import { defineConfig } from 'vitest/config'

/**
 * The pages in a real browser, over the real service: `npm run test:browser`. With `--mode screenshots` it takes
 * pictures of them instead.
 */
export default defineConfig(({ mode }) => ({
  root: import.meta.dirname,
  test: {
    name: 'browser',
    include: mode === 'screenshots' ? ['screenshots.ts'] : ['*.test.ts'],
    testTimeout: 90_000,
    hookTimeout: 120_000,
    // Each file starts a service, a browser and an ffmpeg of its own.
    fileParallelism: false,
    retry: 0,
  },
}))
