/** Functions shared by all hibernatable sockets of an actor. */

/** The part of WebSocket that is used. */
export interface Socket {
  send(text: string): void
  close(code: number, reason: string): void
  /** Attaches data that survives an eviction. */
  serializeAttachment(note: unknown): void
  deserializeAttachment(): unknown
}

export function closeQuietly(socket: Pick<Socket, 'close'>, code: number, reason: string): void {
  try {
    socket.close(code, reason)
  } catch {
    // Already closed.
  }
}

/** Completes the closing handshake, as the runtime requires; codes that must not be sent are answered with 1000. */
export function closed(socket: Pick<Socket, 'close'>, code: number): void {
  const reserved = code < 1000 || code === 1004 || code === 1005 || code === 1006 || code === 1015
  closeQuietly(socket, reserved ? 1000 : code, '')
}
