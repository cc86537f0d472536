import type { Page } from 'playwright-core'

/** Names of interactive elements smaller than 44 by 44 pixels. A switch has the size of its label. */
export function tooSmall(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, input, select, textarea, summary, nav a')]
      .filter((each) => each.checkVisibility())
      .map((each) =>
        each.matches('input:is([type="radio"], [type="checkbox"])') ? (each.closest('label') ?? each) : each,
      )
      .filter((each) => {
        const { width, height } = each.getBoundingClientRect()
        // The size of these depends on their text or duration; an item also reacts to touches around it.
        if (each.matches('.overlay-item')) return false
        return height < 43.5 || (width < 43.5 && !each.matches('.span-name'))
      })
      .map((each) => each.getAttribute('aria-label') ?? each.textContent ?? each.outerHTML),
  )
}
