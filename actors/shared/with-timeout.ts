/**
 * A time limit for calls through a binding (D1, R2), which has none of its own: a call that hangs must not delay the
 * alarm, and with it everything else that is due for the job. The timer is always cleared.
 */

/**
 * The result of `act`, or a rejection after `ms`. A call that `act` had started may still succeed then; it starts no
 * further one, since it calls `signal.throwIfAborted()` between two steps.
 *
 * @throws Error on a timeout, or whatever `act` throws
 */
export async function withTimeout<T>(ms: number, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout> | null = null
  const patience = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      controller.abort()
      reject(new Error(`No answer within ${ms / 1000} s.`))
    }, ms)
  })
  try {
    return await Promise.race([act(controller.signal), patience])
  } finally {
    clearTimeout(timer)
  }
}
