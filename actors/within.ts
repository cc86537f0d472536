/**
 * A time limit for what goes through a binding (D1, R2), which has none of its own: a call that hangs must not hold up
 * the alarm, and with it everything else that the job is due. The timer is always cleared.
 */

/**
 * What `act` answers, or a rejection after `ms`. What it began may still land then; `signal` tells it to begin nothing
 * more, so between two steps it calls `signal.throwIfAborted()`.
 *
 * @throws Error when the time is up, or whatever `act` throws
 */
export async function within<T>(ms: number, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
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
