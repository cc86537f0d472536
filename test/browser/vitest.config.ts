import { defineConfig } from 'vitest/config'

/** The pages in a real browser, over the real service: `npx vitest run -c test/browser/vitest.config.ts`. */
export default defineConfig({
  root: import.meta.dirname,
  test: {
    name: 'browser',
    include: ['*.test.ts'],
    testTimeout: 90_000,
    hookTimeout: 120_000,
    // Each file starts a service, a browser and an ffmpeg of its own.
    fileParallelism: false,
    retry: 0,
  },
})
