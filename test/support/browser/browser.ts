/** Finds an installed Chromium: nothing is downloaded for a test. */
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { describe } from 'vitest'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function chromiumPath(): string | null {
  const known = [
    process.env.CHROMIUM_PATH,
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ]
  return known.find((path): path is string => path !== undefined && existsSync(path)) ?? null
}

export async function launch(): Promise<Browser> {
  const executablePath = chromiumPath()
  if (executablePath === null) throw new Error('No Chromium was found; set CHROMIUM_PATH.')
  return chromium.launch({ executablePath, headless: true, args: FLAGS })
}

/** `describe`, or a conspicuous warning if there is no browser. */
export function describeInBrowser(name: string, tests: () => void): void {
  if (chromiumPath() === null) {
    console.warn(`\n!!! SKIPPED: "${name}". No Chromium was found: install it, or set CHROMIUM_PATH.\n`)
    describe.skip(name, tests)
  } else describe(name, tests)
}
