/** `transcode`: the same pictures in another container, size, frame rate or quality. */
import * as v from 'valibot'
import { jobType } from './job-type.ts'
import { withOutput } from './output.ts'

export const transcode = jobType({
  name: 'transcode',
  summary: 'Encodes the video anew: container, size, frame rate, quality.',
  schema: v.strictObject(withOutput),
})
