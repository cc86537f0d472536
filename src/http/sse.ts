/** Writes server-sent events (HTML standard, "Server-sent events"); independent of I/O and of jobs. */

export interface Frame {
  /** The value that a client sends back as Last-Event-ID. */
  id: number
  event: string
  /** JSON, or any other text of a single line. */
  data: string
}

export function frameText({ id, event, data }: Frame): string {
  return `id: ${id}\nevent: ${event}\ndata: ${data}\n\n`
}

/** The field that sets how long a client waits before it reconnects. */
export function retryText(ms: number): string {
  return `retry: ${ms}\n\n`
}

/** A comment, which clients ignore; it keeps proxies from closing an idle connection. */
const HEARTBEAT = ':\n\n'

/**
 * A body that streams the texts of `texts`, and a comment whenever a heartbeat is due while the client reads. The next
 * text is requested only after the client has read the previous one.
 *
 * @param leave called once, when the body has ended or its reader has gone; `texts` must then return
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

/** Whether the client accepts event streams by name; `*` alone is not enough (RFC 9110, 12.5.1). */
export function wantsEventStream(request: Request): boolean {
  const ranges = (request.headers.get('Accept') ?? '').split(',')
  return ranges.some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    return type === 'text/event-stream' && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })
}
