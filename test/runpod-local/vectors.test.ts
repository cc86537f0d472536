/**
 * The plans and refusals on which every worker of this project must agree; the GPU worker's tests use the same files.
 */
import * as v from 'valibot'
import { expect, it } from 'vitest'
import { checkResult } from '../../runpod-local/worker/check-result.ts'
import type { JobFailure } from '../../runpod-local/worker/failure.ts'
import { failureOf } from '../../runpod-local/worker/ffmpeg-failure.ts'
import type { Demuxer, Probe } from '../../runpod-local/worker/media.ts'
import { type ImageFacts, planJob } from '../../runpod-local/worker/plan.ts'
import { take } from '../../runpod-local/worker/probe.ts'
import { Answer, choose, type Packets } from '../../runpod-local/worker/streams.ts'
import type { Shaper } from '../../runpod-local/worker/text/characters.ts'
import { typesetterWith } from '../support/node/runpod-local/typesetter.ts'
import failures from '../vectors/ffmpeg-failures.json' with { type: 'json' }
import plans from '../vectors/ffmpeg-plans.json' with { type: 'json' }
import answers from '../vectors/ffprobe-answers.json' with { type: 'json' }
import verdicts from '../vectors/verdicts.json' with { type: 'json' }

const inputs = new Map(Object.entries(plans.inputs as Record<string, Probe>))

function inputNamed(name: string): Probe {
  const input = inputs.get(name)
  if (input === undefined) throw new Error(`there is no input ${name}`)
  return input
}

it.each(plans.cases)('$type: $name', ({ type, params, input, images, fps_mode, plan, refused, shaper }) => {
  const probe = inputNamed(input)
  const typesetter = typesetterWith(shaper as Shaper | undefined)
  if (plan !== undefined) {
    const { args, outputName, duration, texts, fontSets, imageKeys } = planJob(
      type,
      params,
      probe,
      typesetter,
    )
    expect({
      args: args(images as ImageFacts[], { fpsMode: fps_mode === true }),
      output_name: outputName,
      duration,
      texts: texts.map(({ name, text }) => [name, text]),
      image_keys: imageKeys,
      font_sets: fontSets.length > 0 ? fontSets : undefined,
    }).toEqual(plan)
    return
  }
  const { code, shouldRetry, message } = refusal(() => planJob(type, params, probe, typesetter))
  expect({ code, should_retry: shouldRetry }).toEqual({
    code: refused.code,
    should_retry: refused.should_retry,
  })
  // The text of a type error depends on the language; the field does not.
  if (refused.field === undefined) expect(message).toBe(refused.message)
  else expect(message).toContain(`params are unusable: ${refused.field}: `)
})

it.each(answers.cases)('reads $name', ({ demuxer, answer, packets: lines, lacks, media, refused }) => {
  const packets: Packets = new Map()
  for (const line of lines) take(packets, line)
  const decodes = (codec: string) => codec !== '' && !(lacks as string[]).includes(codec)
  const read = () => choose(demuxer as Demuxer, v.parse(Answer, answer), packets, decodes, 'The input')
  if (media !== undefined) return expect(read()).toEqual(media)
  const { code, shouldRetry, message } = refusal(read)
  expect({ code, should_retry: shouldRetry, message }).toEqual(refused)
})

it.each(verdicts.cases)('judges a result: $name', ({ input, type, params, result, refused }) => {
  const probe = inputNamed(input)
  const judge = () => checkResult(probe, planJob(type, params, probe, typesetterWith()), result as Probe)
  if (refused === null) return judge()
  const { code, shouldRetry, message } = refusal(judge)
  expect({ code, should_retry: shouldRetry, message }).toEqual(refused)
})

it.each(failures.cases)('ffmpeg ended with $code, $killed_by, "$said"', (end) => {
  const { code, message, shouldRetry } = failureOf({
    code: end.code,
    killedBy: end.killed_by,
    message: end.said,
  })
  expect({ code, message, should_retry: shouldRetry }).toEqual(end.failure)
})

function refusal(plan: () => unknown): JobFailure {
  try {
    plan()
  } catch (error) {
    return error as JobFailure
  }
  throw new Error('it was planned')
}
