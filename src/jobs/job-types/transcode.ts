/** `transcode`: the same video in another container, size, frame rate or quality. */
import * as v from 'valibot'
import type { TranscodeParams } from '../../../wire/requests.ts'
import { accepting } from '../../http/describing.ts'
import { jobType } from './job-type.ts'
import { withOutput } from './output.ts'

export const transcode = jobType({
  name: 'transcode',
  summary: 'Encodes the video anew: container, size, frame rate, quality.',
  schema: accepting<TranscodeParams>()(v.strictObject(withOutput)),
})
