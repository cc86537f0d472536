import { defineConfig } from 'vitest/config'

/**
 * The pages in a real browser, with the real service: `npm run test:browser`. With `--mode screenshots` it captures
 * them instead.
 */
export default defineConfig(({ mode }) => ({
  root: import.meta.dirname,
  test: {
    name: 'browser',
    include: mode === 'screenshots' ? ['screenshots.ts'] : ['*.test.ts'],
    testTimeout: 90_000,
    hookTimeout: 120_000,
    // Each file starts its own service, browser and ffmpeg.
    fileParallelism: false,
    retry: 0,
  },
}))
