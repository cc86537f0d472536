/** The media type of an upload whose browser reports none or a wrong one; and that the service accepts it. */
import * as v from 'valibot'
import { expect, test } from 'vitest'
import { mediaTypeOf, VIDEO_EXTENSIONS } from '../../client/media-types.ts'
import { VideoType } from '../../src/files/schemas.ts'

test.each(
  '3gp asf avi divx f4v flv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv qt rm rmvb ts vob webm wmv'.split(' '),
)('a .%s file is a video, whatever its browser makes of it', (extension) => {
  for (const type of ['', 'application/octet-stream', 'text/vnd.trolltech.linguist', 'model/vnd.mts']) {
    for (const name of [`clip.${extension}`, `A.B.${extension.toUpperCase()}`]) {
      expect(mediaTypeOf({ name, type })).toMatch(/^video\//)
    }
  }
  expect(VIDEO_EXTENSIONS).toContain(`.${extension}`)
})

test.each([...VIDEO_EXTENSIONS, '.png', '.jpg', '.jpeg'])(
  'the service takes the type of %s, as it is',
  (extension) => {
    const type = mediaTypeOf({ name: `clip${extension}` })
    expect(v.parse(VideoType, type)).toBe(type)
    expect(type).not.toContain('+')
  },
)

test.each([
  ['clip.ts', 'video/vnd.dlna.mpeg-tts', 'video/vnd.dlna.mpeg-tts'],
  ['clip.mxf', 'application/mxf', 'video/mxf'],
  ['clip.ogv', 'application/ogg', 'video/ogg'],
  ['clip.mkv', 'Video/X-Matroska; codecs=avc1', 'video/x-matroska'],
  ['clip.mov', 'video/strange+xml', 'video/quicktime'],
  ['logo.PNG', '', 'image/png'],
])('%s of the type %j is %s', (name, type, expected) => {
  expect(mediaTypeOf({ name, type })).toBe(expected)
})

test.each([
  ['notes.txt', 'text/plain', 'text/plain'],
  ['logo.svg', 'image/svg+xml', 'image/svg+xml'],
  ['mp4', '', 'application/octet-stream'],
  ['a.mp4/none', '', 'application/octet-stream'],
  ['constructor', '', 'application/octet-stream'],
  ['a.constructor', '', 'application/octet-stream'],
])('%s of the type %j stays what it is, for the service to refuse', (name, type, expected) => {
  expect(mediaTypeOf({ name, type })).toBe(expected)
})
