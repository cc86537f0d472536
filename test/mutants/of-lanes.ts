/** Mutants of lanes: places, turns and outages. */
import { CORE, type Mutant, USUAL_RUNS } from './mutant.ts'

const RULES = 'actors/lane/rules.ts'
const PLACES = `${CORE}/debts/places.ts`

export const OF_LANES: readonly Mutant[] = [
  {
    name: 'a project keeps its turn when it is served',
    promise: 11,
    shows: 'projects take turns, and no place is lent twice or lost',
    test: 'test/lane/rules.test.ts',
    runs: USUAL_RUNS,
    file: RULES,
    search: 'isInTurn ? nextTurn(this.lane, projectId) : lastTurn(this.lane))',
    replace: 'this.lane.turns.get(projectId) ?? 1)',
  },
  {
    name: 'a place is not given back when its job is cancelled while it waits',
    promise: 11,
    shows: 'a place is given back by whatever ends the need for it',
    test: 'test/core/places.test.ts',
    runs: USUAL_RUNS,
    file: PLACES,
    search: 'Number.POSITIVE_INFINITY : 0\n',
    replace: 'Number.POSITIVE_INFINITY : Number.POSITIVE_INFINITY\n',
  },
  {
    name: 'jobs are sent while RunPod refuses',
    promise: 11,
    shows: 'one job at a time tries a RunPod that refuses',
    test: 'test/actor/places.test.ts',
    file: RULES,
    search: 'if (breaker && (this.now < breaker.until || breaker.probe))',
    replace: 'if (breaker && this.now < 0)',
  },
  {
    name: 'what RunPod refuses is held to be the fault of the job',
    promise: 11,
    shows: 'refusals use up no attempt',
    test: 'test/actor/refusals.test.ts',
    file: 'actors/export-job/effects/dispatch.ts',
    search: '        cause: answer.cause,\n',
    replace: "        cause: 'job',\n",
  },
  {
    name: 'one more place is lent than there are',
    runs: USUAL_RUNS,
    file: RULES,
    search: 'this.#limit - this.lane.places.size',
    replace: 'this.#limit + 1 - this.lane.places.size',
  },
  {
    name: 'a place that comes free is offered to nobody',
    runs: USUAL_RUNS,
    file: RULES,
    search: '    this.lane = withoutProbe(this.lane, key)\n    this.offer()\n',
    replace: '    this.lane = withoutProbe(this.lane, key)\n',
  },
  {
    name: 'a place that its job does not hold is kept for ever',
    runs: USUAL_RUNS,
    file: RULES,
    search: "      this.calls.push(callOf('holds', place))\n",
    replace: '',
  },
  {
    name: 'a job that was passed over is not called again',
    runs: USUAL_RUNS,
    file: RULES,
    search: "calledAt: this.now })\n      this.calls.push(callOf('offer', waiter))\n",
    replace: 'calledAt: this.now })\n',
  },
  {
    name: 'an attempt that an outage caught uses up an attempt',
    runs: USUAL_RUNS,
    file: `${CORE}/states/dispatching.ts`,
    search: '  if (counts) giveUp(draft, attempt, lost)\n  else ',
    replace: '  if (counts || draft.now > 0) giveUp(draft, attempt, lost)\n  else ',
  },
  {
    name: 'a place is given back while its attempt runs',
    runs: USUAL_RUNS,
    file: PLACES,
    search: "  if (attempt.remote === 'ended' || isWrittenOff) return 0\n",
    replace: "  if (attempt.remote !== 'unknown' || isWrittenOff) return 0\n",
  },
]
