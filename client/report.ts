/**
 * Calls the callbacks of the client's user, so that an exception in one affects neither the client nor other callbacks.
 */

/**
 * Calls `act`, and reports what it throws or rejects with as an uncaught error, where that does not end the process.
 */
export function callBack(act: () => unknown): void {
  try {
    Promise.resolve(act()).catch(report)
  } catch (error) {
    report(error)
  }
}

/** Without `reportError`, as in Node, an uncaught error would end the process. */
function report(error: unknown): void {
  if (globalThis.reportError) globalThis.reportError(error)
  else console.error(error)
}
