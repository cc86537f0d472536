/** `transcode`: the same video in another container, size, rate or quality. */
import * as v from 'valibot'
import type { JobType } from '../edit.ts'
import { parse } from '../input.ts'
import { withOutput } from '../output.ts'

const Params = v.looseObject(withOutput)

export const transcode: JobType = {
  name: 'transcode',
  edit(params, { width, height, duration }) {
    const { output } = parse(Params, params, 'The transcode params are unusable')
    return {
      output,
      steps: [],
      inRgb: false,
      size: { width, height },
      start: 0,
      duration,
      texts: [],
      fontSets: [],
      imageKeys: [],
    }
  },
}
