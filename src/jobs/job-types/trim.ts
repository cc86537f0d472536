/** `trim`: a time span of the video. */
import * as v from 'valibot'
import type { TrimParams } from '../../../wire/requests.ts'
import { accepting } from '../../http/describing.ts'
import { END_BEFORE_START, endsAfterStart, Seconds } from './fields.ts'
import { jobType } from './job-type.ts'
import { withOutput } from './output.ts'

function cutsSomething(span: unknown): boolean {
  return (
    span !== null &&
    typeof span === 'object' &&
    (Object.hasOwn(span, 'start_seconds') || Object.hasOwn(span, 'end_seconds'))
  )
}

const Span = v.pipe(
  v.strictObject({ start_seconds: v.optional(Seconds, 0), end_seconds: v.optional(Seconds), ...withOutput }),
  v.forward(
    v.check((span) => endsAfterStart(span), END_BEFORE_START),
    ['end_seconds'],
  ),
)

/** Checked before the defaults are filled in. */
const Trim = v.pipe(
  v.unknown(),
  v.check(cutsSomething, 'A trim needs start_seconds, end_seconds or both.'),
  Span,
)

export const trim = jobType({
  name: 'trim',
  summary: 'Keeps one span of the video and drops the rest.',
  schema: accepting<TrimParams>()(Span),
  shapeOf: () => Trim,
})
