import { describe, expect, test } from 'vitest'
import { failureOf, sentenceOf } from '../../actors/export-job/core/verdicts.ts'

const said = (state: 'failed' | 'cancelled' | 'timed_out' | 'gone', error: string | null = null) =>
  ({ state, error, usage: null }) as const

describe('A final word of RunPod', () => {
  test.each([
    ['executionTimeout exceeded', 'execution_timeout'],
    ['job timed out after 1 retries', 'worker_lost'],
    ['job timed out after 2 retry', 'worker_lost'],
    ['CUDA out of memory. Tried to allocate 2 GiB', 'out_of_memory'],
    ['{"error_type": "<class MemoryError>", "error_message": "MemoryError"}', 'out_of_memory'],
    ['killed by OOM', 'out_of_memory'],
    ['a room full of zoom lenses', 'worker_error'],
    ['bad scene', 'worker_error'],
    ['', 'worker_error'],
  ])('FAILED with "%s" is %s', (error, code) => {
    expect(failureOf(said('failed', error), true)).toMatchObject({ code, retryable: true })
  })

  test('FAILED without an error says that it does not say why', () => {
    expect(failureOf(said('failed'), true).message).toBe('The worker failed without saying why.')
  })

  test('TIMED_OUT depends on whether a worker was seen', () => {
    expect(failureOf(said('timed_out'), true).code).toBe('execution_timeout')
    expect(failureOf(said('timed_out'), false).code).toBe('worker_lost')
  })

  test('CANCELLED by somebody else is not tried again', () => {
    expect(failureOf(said('cancelled'), true)).toMatchObject({ code: 'runpod_cancelled', retryable: false })
  })

  test('404 is a lost job, and is tried again', () => {
    expect(failureOf(said('gone'), true)).toMatchObject({ code: 'runpod_job_lost', retryable: true })
  })

  test.each(['failed', 'cancelled', 'timed_out', 'gone'] as const)(
    '%s is told in one whole sentence',
    (state) => {
      expect(failureOf(said(state), false).message).toMatch(/^[A-Z].*\.$/)
    },
  )
})

describe('A worker’s error', () => {
  test('that is a Python exception is shown by its message, never by its traceback', () => {
    const error = JSON.stringify({
      error_type: "<class 'ValueError'>",
      error_message: 'no such codec',
      error_traceback: 'Traceback (most recent call last):\n  File "/app/handler.py"',
    })
    expect(sentenceOf(error)).toBe('no such codec')
  })

  test.each([
    ['{"message":"plain"}', 'plain'],
    ['{"error_message": 7}', '{"error_message": 7}'],
    ['{not json', '{not json'],
    ['\n\n  first line  \nsecond', 'first line'],
    ['   ', 'The worker failed without saying why.'],
    ['null', 'null'],
  ])('%j is shown as %j', (error, sentence) => {
    expect(sentenceOf(error)).toBe(sentence)
  })

  test('is cut to five hundred characters', () => {
    expect(sentenceOf('x'.repeat(2_000))).toHaveLength(500)
  })
})

describe('A handler that says a code of its own', () => {
  const failed = (error: string, code: string | null, retryable: boolean | null) =>
    failureOf({ state: 'failed', error, code, retryable, usage: null }, true)

  test.each<[string, string | null, boolean | null, object]>([
    [
      'No picture.',
      'invalid_media',
      false,
      { code: 'invalid_media', message: 'No picture.', retryable: false },
    ],
    ['No picture.', null, false, { code: 'worker_error', retryable: false }],
    ['No picture.', 'Not A Code!', null, { code: 'worker_error', retryable: true }],
    ['CUDA out of memory', null, null, { code: 'out_of_memory', retryable: true }],
    ['executionTimeout exceeded', 'invalid_media', false, { code: 'execution_timeout', retryable: true }],
  ])('%j, %j, %j', (error, code, retryable, wanted) => {
    expect(failed(error, code, retryable)).toMatchObject(wanted)
  })
})
