import { describe, expect, it } from 'vitest'
import { JOB_TYPES } from '../../../src/jobs/job-types/index.ts'
import { api, bodyOf, createJob, jobBody, post, problemOf, useHttpWorld } from '../../support/workerd/http.ts'

useHttpWorld()

const OUTPUT = { container: 'mp4', quality: 'medium' }
const text = (over: Record<string, unknown> = {}) => ({ items: [{ type: 'text', text: 'Hi', ...over }] })
const image = (over: Record<string, unknown> = {}) => ({
  items: [{ type: 'image', image_key: 'input/a/logo.png', ...over }],
})

type Params = Record<string, unknown>
const GOOD: [type: string, params: Params, complete: Params][] = [
  ['overlay', {}, { items: [], output: OUTPUT }],
  [
    'overlay',
    image(),
    {
      items: [
        {
          type: 'image',
          image_key: 'input/a/logo.png',
          width: 0.25,
          x: 0.05,
          y: 0.05,
          opacity: 1,
          start_seconds: 0,
        },
      ],
      output: OUTPUT,
    },
  ],
  [
    'overlay',
    text({
      x: 1,
      y: 0,
      size: 1,
      color: '#FF8800',
      opacity: 0,
      background: '#000000',
      max_width: 0.5,
      start_seconds: 1,
      end_seconds: 1.5,
    }),
    {
      items: [
        {
          type: 'text',
          text: 'Hi',
          align: 'left',
          x: 1,
          y: 0,
          size: 1,
          color: '#FF8800',
          opacity: 0,
          background: '#000000',
          max_width: 0.5,
          start_seconds: 1,
          end_seconds: 1.5,
        },
      ],
      output: OUTPUT,
    },
  ],
  ['trim', { start_seconds: 2 }, { start_seconds: 2, output: OUTPUT }],
  ['trim', { end_seconds: 2 }, { start_seconds: 0, end_seconds: 2, output: OUTPUT }],
  ['trim', { start_seconds: 0, end_seconds: 0.1 }, { start_seconds: 0, end_seconds: 0.1, output: OUTPUT }],
  ['crop', { x: 0, y: 0.5, width: 1, height: 0.5 }, { x: 0, y: 0.5, width: 1, height: 0.5, output: OUTPUT }],
  ['crop', { aspect_ratio: '9:16' }, { aspect_ratio: '9:16', focus_x: 0.5, focus_y: 0.5, output: OUTPUT }],
  [
    'crop',
    { aspect_ratio: '2.39:1', focus_x: 0, focus_y: 1 },
    { aspect_ratio: '2.39:1', focus_x: 0, focus_y: 1, output: OUTPUT },
  ],
  ['transcode', {}, { output: OUTPUT }],
  [
    'transcode',
    { output: { container: 'webm', width: 1280, height: 720, fps: 29.97, quality: 'high' } },
    { output: { container: 'webm', width: 1280, height: 720, fps: 29.97, quality: 'high' } },
  ],
]

const BAD: [type: string, params: Params, pointer: string][] = [
  ['overlay', { items: 'x' }, '/params/items'],
  ['overlay', { items: Array.from({ length: 51 }, () => text().items[0]) }, '/params/items'],
  ['overlay', { items: [null] }, '/params/items/0'],
  ['overlay', { items: [{}] }, '/params/items/0/type'],
  ['overlay', { items: [{ type: 'sound' }] }, '/params/items/0/type'],
  ['overlay', text({ text: '' }), '/params/items/0/text'],
  ['overlay', text({ text: 'x'.repeat(501) }), '/params/items/0/text'],
  ['overlay', text({ x: -0.1 }), '/params/items/0/x'],
  ['overlay', text({ y: 1.1 }), '/params/items/0/y'],
  ['overlay', text({ size: 0 }), '/params/items/0/size'],
  ['overlay', text({ color: 'red' }), '/params/items/0/color'],
  ['overlay', text({ align: 'justify' }), '/params/items/0/align'],
  ['overlay', text({ max_width: 0 }), '/params/items/0/max_width'],
  ['overlay', image({ max_width: 0.5 }), '/params/items/0/max_width'],
  ['overlay', text({ color: '#fff' }), '/params/items/0/color'],
  ['overlay', text({ background: '#12345g' }), '/params/items/0/background'],
  ['overlay', text({ opacity: 2 }), '/params/items/0/opacity'],
  ['overlay', text({ start_seconds: -1 }), '/params/items/0/start_seconds'],
  ['overlay', text({ start_seconds: 5, end_seconds: 5 }), '/params/items/0/end_seconds'],
  ['overlay', text({ start_seconds: 5, end_seconds: 4 }), '/params/items/0/end_seconds'],
  ['overlay', text({ end_seconds: 1e300 }), '/params/items/0/end_seconds'],
  ['overlay', text({ font: 'Comic' }), '/params/items/0/font'],
  ['overlay', image({ image_key: 'output/x.png' }), '/params/items/0/image_key'],
  ['overlay', image({ image_key: 'input/../x.png' }), '/params/items/0/image_key'],
  ['overlay', image({ width: 0 }), '/params/items/0/width'],
  ['overlay', image({ text: 'x' }), '/params/items/0/text'],
  ['trim', {}, '/params'],
  ['trim', { output: {} }, '/params'],
  ['trim', { start_seconds: 5, end_seconds: 5 }, '/params/end_seconds'],
  ['trim', { end_seconds: 0 }, '/params/end_seconds'],
  ['trim', { start_seconds: '5' }, '/params/start_seconds'],
  ['crop', {}, '/params/x'],
  ['crop', { x: 0, y: 0, width: 0, height: 1 }, '/params/width'],
  ['crop', { x: 0.5, y: 0, width: 0.6, height: 1 }, '/params/width'],
  ['crop', { x: 0, y: 0.5, width: 1, height: 0.6 }, '/params/height'],
  ['crop', { aspect_ratio: '16x9' }, '/params/aspect_ratio'],
  ['crop', { aspect_ratio: '0:1' }, '/params/aspect_ratio'],
  ['crop', { aspect_ratio: '1:1', x: 0 }, '/params/x'],
  ['crop', { aspect_ratio: '1:1', focus_x: 2 }, '/params/focus_x'],
  ['transcode', { output: null }, '/params/output'],
  ['transcode', { output: { container: 'avi' } }, '/params/output/container'],
  ['transcode', { output: { width: 1281 } }, '/params/output/width'],
  ['transcode', { output: { width: 14 } }, '/params/output/width'],
  ['transcode', { output: { height: 4322 } }, '/params/output/height'],
  ['transcode', { output: { fps: 0 } }, '/params/output/fps'],
  ['transcode', { output: { fps: 121 } }, '/params/output/fps'],
  ['transcode', { output: { quality: 'best' } }, '/params/output/quality'],
  ['transcode', { output: { codec: 'av1' } }, '/params/output/codec'],
]

describe('params', () => {
  it.each(GOOD)('%s %j is made complete', async (type, params, complete) => {
    expect((await createJob({ type, params })).job.params).toEqual(complete)
  })

  it.each(BAD)('%s %j is refused at %s', async (type, params, pointer) => {
    const response = await post('/api/jobs', jobBody({ type, params }))
    const problem = await problemOf(response, 400, 'validation_failed')
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer)
    for (const { detail } of problem.errors ?? []) expect(detail).toMatch(/^[A-Z].*\.$/)
  })

  it.each([
    ['mp4', 'video/mp4'],
    ['webm', 'video/webm'],
    ['mov', 'video/quicktime'],
  ])('a %s is stored as %s', (container, contentType) => {
    const read = JOB_TYPES.get('transcode')?.read({ output: { container } })
    expect(read).toMatchObject({ ok: true, value: { output: { extension: container, contentType } } })
  })
})

describe('GET /api/job-types', () => {
  interface Types {
    types: {
      name: string
      summary: string
      params: { type?: string; anyOf?: unknown[]; properties?: object }
    }[]
  }

  it('describes every type in JSON Schema, with defaults', async () => {
    const { types } = await bodyOf<Types>(await api('/api/job-types'))
    expect(types.map(({ name }) => name)).toEqual(['overlay', 'trim', 'crop', 'transcode'])
    for (const { summary } of types) expect(summary).toMatch(/\.$/)
    const [overlay, , crop] = types
    expect(overlay?.params).toMatchObject({
      type: 'object',
      additionalProperties: false,
      properties: {
        items: { type: 'array', maxItems: 50, default: [] },
        output: { properties: { container: { enum: ['mp4', 'webm', 'mov'], default: 'mp4' } } },
      },
    })
    expect(crop?.params.anyOf).toHaveLength(2)
  })
})
