import { expect, test } from 'vitest'
import { isSame } from '../../web/src/form/pointer.ts'

test('a refusal holds as long as the value that its pointer leads to is the same', () => {
  const before = { params: { items: [{ text: '' }, { text: 'b' }], 'a/b': 1 } }
  const after = { params: { items: [{ text: 'a' }, { text: 'b' }], 'a/b': 1 } }
  expect(isSame(before, after, '/params/items/0/text')).toBe(false)
  expect(isSame(before, after, '/params/items/0')).toBe(false)
  for (const pointer of ['/params/items/1/text', '/params/a~1b', '/params/missing', '/input_video_key']) {
    expect(isSame(before, after, pointer), pointer).toBe(true)
  }
  expect(isSame(before, after, '')).toBe(false)
})
