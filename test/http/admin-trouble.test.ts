import { expect, it } from 'vitest'
import { TROUBLE } from '../../actors/export-job/inspect.ts'
import { TROUBLE as SHOWN } from '../../web/src/admin/job/trouble.ts'

/** The pages know the service by HTTP alone, so both have the list: "errors only" must mean the same in both. */
it('what the inspector marks as trouble is what the service filters as such', () => {
  expect([...SHOWN].sort()).toEqual([...TROUBLE].sort())
})
