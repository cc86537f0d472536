import { describe, expect, test } from 'vitest'
import type { Event } from '../../actors/export-job/core/events.ts'
import { CANCEL, completed, DELETE, RETRY } from '../support/node/builders.ts'
import type { Story } from '../support/node/given.ts'
import {
  aCancelledJob,
  aCancellingJob,
  aCompleteJob,
  aFailedJob,
  anAcceptedJob,
  aQueuedJob,
  aRunningJob,
  aVerifyingJob,
  aWaitingJob,
} from '../support/node/stages.ts'

const deleting = () => aFailedJob().when(DELETE)
const gone = () => anAcceptedJob().when(CANCEL).when(DELETE).wakes().when({ type: 'debtPaid', debt: 'erase' })
const secondRound = () => aFailedJob().when(RETRY)

type Row = [string, () => Story, cancel: string, retry: string, remove: string]

/** The result of each command in each state: a refusal by its code, or the new status. */
const TABLE: Row[] = [
  ['accepted', anAcceptedJob, 'cancelled', 'job_active', 'cancelled'],
  ['waiting', aWaitingJob, 'cancelled', 'job_active', 'cancelled'],
  ['queued', aQueuedJob, 'cancelling', 'job_active', 'cancelling'],
  ['running', aRunningJob, 'cancelling', 'job_active', 'cancelling'],
  ['verifying', aVerifyingJob, 'cancelling', 'job_active', 'cancelling'],
  ['in its second round', secondRound, 'cancelled', 'as it was', 'cancelled'],
  ['cancelling', aCancellingJob, 'as it was', 'job_active', 'as it was'],
  ['complete', aCompleteJob, 'as it was', 'job_complete', 'deleting'],
  ['failed', aFailedJob, 'as it was', 'pending', 'deleting'],
  ['cancelled', aCancelledJob, 'as it was', 'pending', 'deleting'],
  ['being deleted', deleting, 'job_deleting', 'job_deleting', 'as it was'],
  ['gone', gone, 'job_deleting', 'job_deleting', 'as it was'],
]

const CASES = TABLE.flatMap(([name, stage, cancel, retry, remove]) => [
  { command: CANCEL, name, stage, expected: cancel },
  { command: RETRY, name, stage, expected: retry },
  { command: DELETE, name, stage, expected: remove },
])

function answer(before: Story, command: Event): string {
  const after = before.when(command)
  const reply = after.last?.reply
  if (reply && !reply.ok) {
    expect(after.job).toBe(before.job)
    expect(reply.detail).toMatch(/^[A-Z].*\.$/)
    return reply.code
  }
  return after.job === before.job ? 'as it was' : after.job.phase.status
}

describe('A command', () => {
  test.each(CASES)('$command.type of a job that is $name: $expected', ({ command, stage, expected }) => {
    expect(answer(stage(), command)).toBe(expected)
  })

  test('that is refused says so by a value, and leaves no log line', () => {
    anAcceptedJob()
      .when(RETRY)
      .then({ log: [], effects: [], durable: false, reply: { ok: false } })
  })
})

describe('A report', () => {
  test('is refused only for naming another output than its own', () => {
    const story = aRunningJob().when(completed({ outputKey: 'output/other/1-1.mp4' }))
    expect(story.last?.reply).toEqual({
      ok: false,
      code: 'output_key_mismatch',
      detail: 'The output of this attempt is output/job-1/1-1.mp4.',
    })
  })
})
