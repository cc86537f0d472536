import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

const source = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  id: string
  impact: string
  nodes: { target: string[]; failureSummary: string }[]
}

/** Fails on violations that axe-core rates serious or critical. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(await source)
  // Transitions are finished first, since contrast is checked in the final state.
  await page.evaluate(async () => {
    const fades = document.getAnimations().filter((each) => each instanceof CSSTransition)
    await Promise.allSettled(fades.map((each) => each.finished))
  })
  const found: Violation[] = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }
    return (await axe.run()).violations
  })
  const grave = found.filter(({ impact }) => impact === 'serious' || impact === 'critical')
  const told = grave.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`)
  expect(told, 'what axe-core found').toEqual([])
}
