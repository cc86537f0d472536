/** Server-sent events as text (HTML standard, "Server-sent events"): no I/O of our own, and nothing about jobs. */

export interface Frame {
  /** What a client sends back as Last-Event-ID. */
  id: number
  event: string
  /** JSON text, or any other text of one line. */
  data: string
}

export function frameText({ id, event, data }: Frame): string {
  return `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`
}

/** How long a client waits before it asks again. */
export function retryText(ms: number): string {
  return `retry: ${ms}\n\n`
}

/** A comment; clients ignore it, and what lies between keeps the connection. */
const HEARTBEAT = ':\n\n'

/**
 * A body that says what `texts` yields, and a comment whenever a heartbeat is due and the client reads. It is only
 * asked for more when the client took what it had.
 *
 * @param leave called once, when the body ended or its reader went away; `texts` must then come to its end
 */
export function eventBody(
  texts: AsyncIterator<string>,
  leave: () => void,
  heartbeatMs: number,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let heartbeat: ReturnType<typeof setInterval> | null = null
  const stop = () => {
    if (heartbeat !== null) clearInterval(heartbeat)
    leave()
  }
  return new ReadableStream<Uint8Array>({
    start(controller) {
      heartbeat = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(HEARTBEAT))
      }, heartbeatMs)
    },
    async pull(controller) {
      try {
        const { done, value } = await texts.next()
        if (!done) return controller.enqueue(encoder.encode(value))
        stop()
        controller.close()
      } catch (error) {
        stop()
        controller.error(error)
      }
    },
    cancel: stop,
  })
}

/** Does the client ask for an event stream by name? A bare wildcard is no such wish (RFC 9110, 12.5.1). */
export function wantsEventStream(request: Request): boolean {
  const ranges = (request.headers.get('Accept') ?? '').split(',')
  return ranges.some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    return type === 'text/event-stream' && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })
}
