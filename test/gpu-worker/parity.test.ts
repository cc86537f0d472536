/** Compares the GPU worker's plans with runpod-local's, for generated params. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { JobFailure } from '../../runpod-local/worker/failure.ts'
import type { Picture, Probe, Sound } from '../../runpod-local/worker/media.ts'
import { planJob } from '../../runpod-local/worker/plan.ts'
import { missingFrom } from '../../runpod-local/worker/text/layout.ts'
import { typesetterWith } from '../support/node/runpod-local/typesetter.ts'
import { python, runPython } from './python.ts'

const RUNS = Number(process.env.RUNS ?? 4_000)
/** Each is planned for all of these. */
const PROBES = 30

/** Mostly valid values of a field, especially at its bounds, and occasionally anything. */
const sometimesWrong = (right: fc.Arbitrary<unknown>) =>
  fc.oneof(
    { weight: 12, arbitrary: right },
    {
      weight: 1,
      arbitrary: fc.constantFrom(null, true, '', '1', -1, 0, 1, 1.5, 2, 641, 1e-7, 1e21, 1e300, [], {}),
    },
  )
const fraction = sometimesWrong(
  fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 0.5, 1)),
)
const seconds = sometimesWrong(
  fc.oneof(fc.double({ min: 0, max: 12, noNaN: true }), fc.integer({ min: 0, max: 12 })),
)
const side = sometimesWrong(fc.integer({ min: 1, max: 2400 }).map((half) => half * 2))
const colour = sometimesWrong(fc.constantFrom('#ffffff', '#12aBcD', '#000', 'red', '#123456\n'))
const some = (fields: Record<string, fc.Arbitrary<unknown>>) => fc.record(fields, { requiredKeys: [] })

const output = sometimesWrong(
  some({
    container: sometimesWrong(fc.constantFrom('mp4', 'webm', 'mov')),
    width: side,
    height: side,
    fps: sometimesWrong(fc.double({ min: 1, max: 120, noNaN: true })),
    quality: sometimesWrong(fc.constantFrom('low', 'medium', 'high')),
  }),
)
const place = { x: fraction, y: fraction, opacity: fraction, start_seconds: seconds, end_seconds: seconds }
const typesetter = typesetterWith()
/** Other texts are refused before planning. */
const drawable = (text: string) => {
  const missing = missingFrom(text.toWellFormed(), typesetter.fonts)
  return [...text].filter((char) => !missing.includes(char)).join('')
}
const words = fc
  .oneof(
    fc.string({
      unit: fc.constantFrom(
        ...'ab. ,-–(日本。「ん안مرש\u0301สั्न😀🎉👍🇩\u{1f3fd}\u200d\u200b\ufe0f\u00a0\n{}\\Nh',
      ),
      maxLength: 40,
    }),
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.string({
      unit: fc.constantFrom(' ', '\t', '\r', '\n', '\u00a0', '\ufeff', '\u0085', '\u2028', 'a', '%'),
    }),
  )
  .map(drawable)
const item = sometimesWrong(
  fc.oneof(
    some({
      ...place,
      type: fc.constant('text'),
      text: words,
      size: fraction,
      color: colour,
      background: colour,
      align: sometimesWrong(fc.constantFrom('left', 'center', 'right')),
      max_width: fraction,
    }),
    some({ ...place, type: fc.constant('image'), image_key: fc.string(), width: fraction }),
  ),
)
const share = fc.double({ min: 0.01, max: 1, noNaN: true })
/** Valid values only, so that its lines are laid out. */
const rightText = fc.record(
  {
    type: fc.constant('text'),
    text: words,
    size: share,
    x: share,
    y: share,
    max_width: share,
    align: fc.constantFrom('left', 'center', 'right'),
    background: fc.constantFrom(null, '#12aBcD'),
  },
  { requiredKeys: ['type', 'text'] },
)
const ratio = sometimesWrong(
  fc.tuple(fc.double({ min: 0, max: 99, noNaN: true }), fc.nat(30)).map(([a, b]) => `${a.toFixed(3)}:${b}`),
)
const cropFields = { x: fraction, y: fraction, width: fraction, height: fraction, output }
const job = fc.oneof(
  fc.record({ type: fc.constant('transcode'), params: some({ output }) }),
  fc.record({
    type: fc.constant('trim'),
    params: some({ start_seconds: seconds, end_seconds: seconds, output }),
  }),
  fc.record({ type: fc.constant('crop'), params: fc.record(cropFields) }),
  fc.record({
    type: fc.constant('crop'),
    params: some({ aspect_ratio: ratio, focus_x: fraction, focus_y: fraction, output }),
  }),
  fc.record({
    type: fc.constant('overlay'),
    params: some({ items: fc.array(item, { maxLength: 4 }), output }),
  }),
  fc.record({
    type: fc.constant('overlay'),
    params: fc.record({ items: fc.array(rightText, { maxLength: 4 }) }),
  }),
  fc.record({ type: fc.string(), params: fc.jsonValue() }),
)
const turns = ['none', 'clock', 'half', 'cclock', 'hflip', 'vflip', 'clock_flip', 'cclock_flip'] as const
const picture: fc.Arbitrary<Picture> = fc.record({
  index: fc.nat(3),
  codec: fc.constantFrom('h264', 'vp8', 'vp9'),
  turn: fc.constantFrom(...turns),
  transfer: fc.constantFrom('bt709', 'smpte2084', 'arib-std-b67', 'bt2020-10', 'iec61966-2-1'),
  matrix: fc.constantFrom(
    'bt709',
    'smpte170m',
    'bt470bg',
    'smpte240m',
    'fcc',
    'bt2020nc',
    'ictcp',
    'gbr',
    'ycgco',
  ),
  primaries: fc.constantFrom('bt709', 'bt2020', 'smpte170m', 'smpte432'),
  range: fc.constantFrom('tv', 'pc'),
  alpha: fc.boolean(),
  interlaced: fc.boolean(),
  constant: fc.boolean(),
  times: fc
    .array(fc.double({ min: 0, max: 20, noNaN: true }), { minLength: 1, maxLength: 30 })
    .map((times) => times.toSorted((a, b) => a - b)),
  end: fc.double({ min: 0.01, max: 20, noNaN: true }),
})
const sound: fc.Arbitrary<Sound> = fc.record({
  index: fc.nat(5),
  codec: fc.constantFrom('aac', 'opus'),
  channels: fc.nat(24),
  right: fc.option(fc.nat(5), { nil: undefined }),
  start: fc.double({ min: 0, max: 5, noNaN: true }),
  end: fc.double({ min: 0, max: 20, noNaN: true }),
})
const input: fc.Arbitrary<Probe> = fc.record({
  demuxer: fc.constantFrom('mov', 'matroska', 'mpegts', 'avi'),
  duration: fc.double({ min: 0.01, max: 20, noNaN: true }),
  lead: fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 9, noNaN: true })),
  width: fc.integer({ min: 1, max: 6000 }),
  height: fc.integer({ min: 1, max: 6000 }),
  picture,
  sound: fc.option(sound),
  notes: fc.constant([]),
})

interface Job {
  type: string
  params: unknown
}

function answerHere({ type, params }: Job, probe: Probe): object {
  try {
    const { args, duration, texts, fontSets, imageKeys } = planJob(type, params, probe, typesetter)
    return {
      args: args(
        imageKeys.map(() => ({ demuxer: 'png_pipe', turn: 'clock' })),
        { fpsMode: false },
      ),
      duration,
      texts: texts.map(({ name, text }) => [name, text]),
      images: imageKeys,
      font_sets: fontSets,
    }
  } catch (error) {
    if (!(error instanceof JobFailure)) throw error
    return { code: error.code, should_retry: error.shouldRetry, message: error.message }
  }
}

/** Of a type error the field only: its text depends on the language. */
function comparable(answer: object): object {
  const text = JSON.stringify(answer)
  const checked = /params are unusable: (.*?): /.exec(text)
  return checked === null ? answer : { ...answer, message: checked[1] }
}

/** Through JSON, as everything that reaches a worker: no undefined, no -0. */
const sent = <T>(value: T): T => JSON.parse(JSON.stringify(value))

it.skipIf(python === null)('plans and refuses as runpod-local does, argument by argument', () => {
  const probes = sent(fc.sample(input, PROBES))
  const jobs = sent(fc.sample(job, RUNS))
  const lines = [probes, ...jobs].map((line) => `${JSON.stringify(line)}\n`)
  const answers = runPython('plan_lines.py', lines.join('')).trimEnd().split('\n')
  expect(answers).toHaveLength(RUNS)
  let planned = 0
  jobs.forEach((each, index) => {
    const there: object[] = JSON.parse(answers[index] ?? '[]')
    const here = probes.map((probe) => answerHere(each, probe))
    expect({ job: each, answers: there.map(comparable) }).toEqual({
      job: each,
      answers: here.map(comparable),
    })
    planned += here.filter((answer) => 'args' in answer).length
  })
  // If everything were refused, nothing would be compared.
  expect(planned).toBeGreaterThan((RUNS * PROBES) / 5)
})
