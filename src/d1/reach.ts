/** Maps failures of D1 to 503 rather than 500: the client may try again. */
import { logFault } from '../../actors/shared/log.ts'
import { unavailable } from '../http/problem.ts'

/** @throws Problem 503 when D1 does not answer */
export async function reach<T>(query: () => Promise<T>, what = 'jobs'): Promise<T> {
  try {
    return await query()
  } catch (error) {
    logFault('d1', error)
    throw unavailable('list_unavailable', `The list of ${what} could not be reached; try again shortly.`)
  }
}
