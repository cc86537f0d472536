import { expect, test } from 'vitest'
import { resultName } from '../../actors/shared/result-name.ts'

test.each([
  ['input/1/holiday.mov', 'holiday-overlay.mp4'],
  ['input/1/holiday', 'holiday-overlay.mp4'],
  ['input/1/a.tar.gz', 'a.tar-overlay.mp4'],
  ['input/1/🎬.mp4', '🎬-overlay.mp4'],
  ['input/1/"quoted" name.mp4', '"quoted" name-overlay.mp4'],
  ['input/1/.mp4', 'video-overlay.mp4'],
  ['input/1/...', 'video-overlay.mp4'],
  ['input/1/ .mp4', 'video-overlay.mp4'],
  ['input/1/שלום.mp4', 'שלום-overlay.mp4'],
  [`input/1/${'🎬'.repeat(200)}.mp4`, `${'🎬'.repeat(60)}-overlay.mp4`],
])('The result of %s is saved as %s', (source, name) => {
  expect(resultName(source, 'overlay', 'output/job/2-1.mp4')).toBe(name)
})

test('A result has the extension that it was stored with', () => {
  expect(resultName('input/1/clip.mp4', 'trim', 'output/job/1-1.webm')).toBe('clip-trim.webm')
})
