import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutText, textOf } from '../../actors/export-job/core/text.ts'
import { sentenceOf } from '../../actors/export-job/core/verdicts.ts'
import { observationOf, RunpodEnvelope } from '../../actors/runpod/envelope.ts'
import { parseAs } from '../../actors/shared/bounded-fetch.ts'
import { redacted } from '../../actors/shared/redact.ts'

describe('A text that is cut', () => {
  test.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'abc…'],
    ['ab😀cd', 3, 'ab😀…'],
    ['😀😀😀', 3, '😀😀😀'],
    ['😀😀😀', 2, '😀😀…'],
    ['ab\ud83d', 3, 'ab\ufffd'],
    ['\ude00abcd', 2, '\ufffda…'],
    ['', 0, ''],
  ])('%j to %i characters is %j', (text, most, cut) => {
    expect(cutText(text, most, '…')).toBe(cut)
  })

  test('is well-formed, a beginning of what it was, and never longer, whatever it was', () => {
    const text = fc.string({ unit: fc.oneof(fc.constantFrom('\ud83d', '\ude00', '😀'), fc.string()) })
    fc.assert(
      fc.property(text, fc.nat(20), (whole, most) => {
        const cut = cutText(whole, most)
        expect(cut.isWellFormed()).toBe(true)
        expect([...cut].length).toBeLessThanOrEqual(most)
        expect(whole.toWellFormed().startsWith(cut)).toBe(true)
      }),
    )
  })

  test('never ends in half a character, wherever it is kept', () => {
    const emoji = `x${'😀'.repeat(20_000)}`
    const envelope = parseAs(
      RunpodEnvelope,
      JSON.stringify({ status: 'FAILED', error: emoji, workerId: emoji }),
    )
    const { error, usage } = observationOf(
      envelope ?? { status: '', id: null, delayTime: null, executionTime: null, workerId: null },
    )
    for (const text of [sentenceOf(emoji), redacted(emoji), error, usage?.workerId]) {
      expect(text?.isWellFormed()).toBe(true)
      expect(text?.length).toBeGreaterThan(100)
    }
  })
})

test('A value nested deeper than the stack is text all the same', () => {
  const deep = JSON.parse(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)
  expect(textOf(deep)).toBe('')
  expect(
    observationOf({
      status: 'FAILED',
      id: null,
      error: deep,
      delayTime: null,
      executionTime: null,
      workerId: null,
    }),
  ).toMatchObject({ state: 'failed', error: '' })
})

describe('What a handler returns beside its error', () => {
  const failed = (output: unknown, error?: unknown) =>
    observationOf({
      id: 'a',
      status: 'FAILED',
      output,
      error,
      delayTime: null,
      executionTime: null,
      workerId: null,
    })

  test.each<[string, unknown, unknown, string | null, string | null, boolean | null]>([
    [
      'lifted by the SDK',
      { code: 'invalid_media', should_retry: false },
      'No picture.',
      'No picture.',
      'invalid_media',
      false,
    ],
    [
      'left in the output',
      { error: 'No picture.', code: 'invalid_media', should_retry: true },
      undefined,
      'No picture.',
      'invalid_media',
      true,
    ],
    ['of other types', { code: 5, should_retry: 'no' }, 'No picture.', 'No picture.', null, null],
    ['nothing', null, 'No picture.', 'No picture.', null, null],
    ['a list', [1], undefined, null, null, null],
    ['a text', 'x', undefined, null, null, null],
  ])('is read where it stands: %s', (_name, output, lifted, error, code, retryable) => {
    expect(failed(output, lifted)).toMatchObject({ state: 'failed', error, code, retryable })
  })
})
