/** Code that the compiler must accept or refuse; checked by `tsc -p test`, and by vitest for the little that runs. */
import { expect, expectTypeOf, test } from 'vitest'
import {
  type CreateJob,
  createExports,
  type ExportsOptions,
  type Job,
  type JobStatus,
  type JobWatch,
  type Update,
} from '../../client/index.ts'

const common = { project_id: 1, input_video_key: 'input/1/clip.mp4' }

test('params belong to their type', () => {
  const good: CreateJob[] = [
    { ...common, type: 'overlay' },
    {
      ...common,
      type: 'overlay',
      params: {
        items: [
          { type: 'text', text: 'Hello', x: 0.1, y: 0.1, size: 0.05, color: '#ffffff', end_seconds: 2 },
          { type: 'image', image_key: 'input/2/logo.png', width: 0.2, opacity: 0.5 },
        ],
        output: { container: 'webm', width: 1280, height: 720, fps: 30, quality: 'high' },
      },
    },
    { ...common, type: 'trim', params: { start_seconds: 1 } },
    { ...common, type: 'crop', params: { x: 0, y: 0, width: 0.5, height: 1 } },
    { ...common, type: 'crop', params: { aspect_ratio: '9:16', focus_x: 0.3 } },
    { ...common, type: 'transcode', tags: ['x'], metadata: { a: [1, null] }, policy: { max_attempts: 1 } },
    { ...common, type: 'overlay', webhook_url: 'https://example.com/h', webhook_events: ['complete'] },
    {
      ...common,
      type: 'overlay',
      params: { items: [{ type: 'text', text: 'a', align: 'right', max_width: 0.5 }] },
    },
    { project_id: 1, type: 'overlay', input_video_url: 'https://cdn.example.com/clip.mp4?sig=1' },
  ]
  const bad: CreateJob[] = [
    // @ts-expect-error there is no such type
    { ...common, type: 'rotate' },
    // @ts-expect-error a trim needs one of its ends
    { ...common, type: 'trim', params: {} },
    // @ts-expect-error a crop needs params
    { ...common, type: 'crop' },
    // @ts-expect-error half a rectangle
    { ...common, type: 'crop', params: { x: 0, y: 0 } },
    // @ts-expect-error both ways at once
    { ...common, type: 'crop', params: { x: 0, y: 0, width: 1, height: 1, aspect_ratio: '9:16' } },
    // @ts-expect-error not a ratio
    { ...common, type: 'crop', params: { aspect_ratio: 'wide' } },
    // @ts-expect-error an image has no text
    { ...common, type: 'overlay', params: { items: [{ type: 'image', image_key: 'k', text: 'x' }] } },
    // @ts-expect-error an unknown container
    { ...common, type: 'transcode', params: { output: { container: 'avi' } } },
    // @ts-expect-error no such event
    { ...common, type: 'transcode', webhook_events: ['queue'] },
    // @ts-expect-error no input
    { project_id: 1, type: 'transcode' },
    // @ts-expect-error two inputs
    { ...common, type: 'transcode', input_video_url: 'https://cdn.example.com/clip.mp4' },
  ]
  expect([good.length, bad.length]).toEqual([9, 11])
})

test('answers are typed', () => {
  const { jobs, uploadVideo } = createExports({ baseUrl: 'http://127.0.0.1:1' })
  expectTypeOf(jobs.get).returns.resolves.toEqualTypeOf<Job>()
  expectTypeOf(jobs.waitFor).returns.resolves.toEqualTypeOf<Job>()
  expectTypeOf(jobs.watch).returns.toEqualTypeOf<JobWatch>()
  expectTypeOf<JobWatch>().toExtend<AsyncIterable<Update>>()
  expectTypeOf<Job['status']>().toEqualTypeOf<JobStatus>()
  expectTypeOf(uploadVideo).parameter(0).extract<Blob>().toEqualTypeOf<Blob>()
  expectTypeOf<typeof process.env.TOKEN>().toExtend<ExportsOptions['token']>()
  expectTypeOf<Extract<Update, { type: 'event' }>['job']>().toEqualTypeOf<Job | null>()
  // @ts-expect-error a listed job does not say why it waits
  expectTypeOf(jobs.list).returns.resolves.toHaveProperty('jobs').items.toHaveProperty('reason')
})

test('an update is narrowed by its type', () => {
  const told = (update: Update): string => {
    switch (update.type) {
      case 'snapshot':
        return update.job.reason
      case 'event':
        return update.event.type
      case 'progress':
        return `${update.progress} ${update.stage}`
    }
  }
  expectTypeOf(told).returns.toBeString()
})
