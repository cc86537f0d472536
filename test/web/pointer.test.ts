/** A value that is set after its surroundings were edited. */
import { describe, expect, test } from 'vitest'
import { replacedAt } from '../../web/src/form/pointer.ts'

const [text, image] = [
  { type: 'text', text: 'A' },
  { type: 'image', image_key: '' },
]
const base = { items: [text, image], output: { height: 720 } }
const set = (current: object) => replacedAt(base, current as typeof base, '/items/1/image_key', 'k')
const stored = { type: 'image', image_key: 'k' }

describe('a value set at a pointer of an earlier state', () => {
  test('leaves what was edited meanwhile', () => {
    const edited = { type: 'text', text: 'B' }
    expect(set({ items: [edited, image], output: { height: 480 } })).toEqual({
      items: [edited, stored],
      output: { height: 480 },
    })
  })

  test('follows an item that was moved, also past added ones', () => {
    const added = { type: 'text', text: 'C' }
    expect(set({ items: [image, added, text] })).toEqual({ items: [stored, added, text] })
  })

  test('is set in the item that was edited itself', () => {
    expect(set({ items: [text, { ...image, x: 0.5 }] })).toEqual({ items: [text, { ...stored, x: 0.5 }] })
  })

  test.each([
    [{ items: [text] }],
    [{ items: [text, text] }],
    [{ items: [{ type: 'text', text: 'C' }, text] }],
    [{}],
    [{ items: 'none' }],
  ])('is dropped when its item is gone: %j', (current) => {
    expect(set(current)).toBeUndefined()
  })
})
