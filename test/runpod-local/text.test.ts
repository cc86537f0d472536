/** Line breaks and undrawable characters: the vectors on which both workers must agree. */
import { expect, it } from 'vitest'
import type { Shaper } from '../../runpod-local/worker/text/characters.ts'
import { readFont } from '../../runpod-local/worker/text/font.ts'
import { layOut, type TextItem } from '../../runpod-local/worker/text/layout.ts'
import { refuseUndrawable } from '../../runpod-local/worker/text/refusal.ts'
import { typesetterWith } from '../support/node/runpod-local/typesetter.ts'
import shared from '../vectors/text-layouts.json' with { type: 'json' }

it.each(shared.layouts)('lays out $name', ({ name, item, ...wanted }) => {
  const { lines, fontSize, padding, x, y, ascent, pitch } = layOut(
    item as TextItem,
    shared.frame,
    typesetterWith().fonts,
  )
  const found = lines.map(({ width, runs }) => ({
    width,
    runs: runs.map(({ font, text }) => [font.family, text]),
  }))
  expect({ lines: found, font_size: fontSize, padding, x, y, ascent, pitch }).toEqual(wanted)
})

it.each(shared.refusals)('draws, or refuses by name, "$text" with $shaper', ({ text, shaper, refused }) => {
  const refuse = () => refuseUndrawable(text, typesetterWith(shaper as Shaper))
  if (refused === null) expect(refuse).not.toThrow()
  else expect(refuse).toThrow(expect.objectContaining({ code: 'invalid_params', message: refused }))
})

it.each(['', 'no font at all', 'OTTO\u0000\u0001'])('says of %j that it is no font', (text) => {
  expect(() => readFont(new TextEncoder().encode(text).buffer)).toThrow()
})
