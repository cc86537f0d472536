import { expect } from 'vitest'
import { DEVELOPMENT_SECRET } from '../../../actors/shared/secrets.ts'
import { callbackToken } from '../../../actors/shared/signing.ts'
import type { World } from './world.ts'

/** Posts to a job what its first worker would, as `complete`. */
export async function postAsWorker({ stack }: World, id: string, kind: string, body: object): Promise<void> {
  const token = callbackToken(DEVELOPMENT_SECRET, id, { round: 1, attempt: 1 }, Date.now() + 600_000)
  const answer = await fetch(`${stack.url}/api/jobs/${id}/do/${kind}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  })
  expect(answer.status).toBe(200)
}
