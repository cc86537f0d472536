/** The preview of a text matches its result. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeInBrowser } from '../support/browser/browser.ts'
import { createExport, row, untilStatus } from '../support/browser/pages.ts'
import { type Box, boxOf, makeFilm, pictures, setItem, studioWith, TEXTS } from '../support/browser/texts.ts'
import { startWorld, type World } from '../support/browser/world.ts'

/** In fractions of the frame's width. */
const MOST = 0.01

describeInBrowser('a text', () => {
  let world: World
  beforeAll(async () => {
    world = await startWorld()
  })
  afterAll(() => world?.close())

  test.each(['wide', 'tall'] as const)('stands in a %s result where the preview has it', async (film) => {
    const page = await studioWith(world, await makeFilm(world, film))
    const off: Record<string, object> = {}
    for (const { name, item } of TEXTS.filter((each) => each.film === film)) {
      await setItem(page, item)
      const [preview, result] = await pictures(world, page, name)
      for (const channel of item.background ? (['red', 'blue'] as const) : (['red'] as const)) {
        const [there, here] = [await boxOf(preview, channel), await boxOf(result, channel)]
        off[`${name}, ${channel === 'red' ? 'letters' : 'background'}`] = difference(there, here)
      }
    }
    console.table(off)
    for (const [name, edges] of Object.entries(off)) {
      for (const [edge, share] of Object.entries(edges))
        expect(share, `${name}, ${edge}`).toBeLessThanOrEqual(MOST)
    }
  })

  test('that no font has is named by the preview, and by the failure', async () => {
    const page = await studioWith(world, await makeFilm(world, 'wide'))
    await setItem(page, { text: 'seen 𓀀' })
    await page.getByText('No font here has 𓀀').waitFor()
    const id = await createExport(page)
    await untilStatus(row(page, id), 'error')
    const { error } = await world.client.jobs.get(id)
    expect(error).toMatchObject({
      code: 'invalid_params',
      message: expect.stringContaining('no font here has 𓀀'),
    })
  })
})

/** The deviation of each edge, in fractions of the width. */
function difference(there: Box, here: Box): Box {
  const of = (edge: keyof Box) => Math.round(Math.abs(there[edge] - here[edge]) * 10_000) / 10_000
  return { left: of('left'), right: of('right'), top: of('top'), bottom: of('bottom') }
}
