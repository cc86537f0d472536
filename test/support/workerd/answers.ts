/** Checks that an answer is documented: its status, its form, and no undocumented fields. */
import * as v from 'valibot'
import { expect } from 'vitest'
import { type Operation, problemsOf } from '../../../src/openapi/operation.ts'
import { isProblemCode, PROBLEMS } from '../../../src/problems/index.ts'
import { Problem } from '../../../src/service/schemas.ts'

/** The body, if it is JSON; null otherwise. Fails when the document does not contain this answer. */
export async function documented(operation: Operation, response: Response): Promise<unknown> {
  const { status } = response
  const type = response.headers.get('Content-Type') ?? ''
  if (status === 101) {
    expect(operation.answers).toHaveProperty('101')
    response.webSocket?.accept()
    response.webSocket?.close(1000)
    return null
  }
  if (type.startsWith('text/event-stream')) {
    expect(operation.answers[status]?.mediaType).toBe('text/event-stream')
    await response.body?.cancel()
    return null
  }
  const text = new TextDecoder().decode(await response.arrayBuffer())
  if (type === 'application/problem+json') return problem(operation, status, text)
  const answer = operation.answers[status]
  expect(answer, `${operation.route} answers ${status} ${type} ${text.slice(0, 500)}`).toBeDefined()
  if (!answer?.schema) {
    if (answer?.mediaType && status !== 304) expect(type.split(';')[0]).toBe(typeOf(answer.mediaType, type))
    return null
  }
  expect(type).toBe('application/json')
  return exact(answer.schema, JSON.parse(text))
}

/** A file has the type with which it was uploaded. */
function typeOf(mediaType: string, sent: string): string | undefined {
  return mediaType === 'application/octet-stream' ? sent.split(';')[0] : mediaType
}

/** Fails on fields that the schema does not contain. */
export function exact(schema: v.GenericSchema, body: unknown): unknown {
  const parsed = v.safeParse(schema, body)
  expect(parsed.success ? [] : v.flatten(parsed.issues)).toEqual([])
  expect(body).toEqual(parsed.output)
  return body
}

function problem(operation: Operation, status: number, text: string): unknown {
  const body = v.parse(Problem, exact(Problem, JSON.parse(text)))
  const { code } = body
  const told = isProblemCode(code) && problemsOf(operation).includes(code)
  expect(told, `${operation.route} answers ${code}, which its entry does not name: ${text}`).toBe(true)
  if (isProblemCode(code)) expect(PROBLEMS[code].statuses).toContain(status)
  expect(body.status).toBe(status)
  return body
}

/** The status, or the code with which a socket is closed at once. */
export async function outcomeOf(response: Response): Promise<number> {
  const socket = response.webSocket
  if (!socket) {
    await response.body?.cancel()
    return response.status
  }
  const first = new Promise<number>((resolve) => {
    socket.addEventListener('message', () => resolve(101))
    socket.addEventListener('close', ({ code }) => resolve(code))
  })
  socket.accept()
  // An open line sends only the answer to this.
  socket.send('ping')
  const outcome = await first
  socket.close(1000)
  return outcome
}
