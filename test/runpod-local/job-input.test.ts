/** Valid and invalid job inputs, with the cases that both workers share. */
import { expect, it } from 'vitest'
import { JobFailure } from '../../runpod-local/worker/failure.ts'
import { parseInput } from '../../runpod-local/worker/input.ts'
import shared from '../vectors/job-inputs.json' with { type: 'json' }

it.each(shared.cases)('$name', ({ input, wrong }) => {
  const taken = () => parseInput(input)
  if (wrong === null) return expect(taken).not.toThrow()
  expect(taken).toThrow(JobFailure)
  expect(taken).toThrow(`The job input is unusable: ${wrong}: `)
})
