/** Callbacks of the client's owner: whatever becomes of one, the client and the other callbacks go on. */

/** Calls it, and reports what it throws or rejects with, as an uncaught error where that does not end the process. */
export function callBack(act: () => unknown): void {
  try {
    Promise.resolve(act()).catch(report)
  } catch (error) {
    report(error)
  }
}

/** Where there is no `reportError`, as in Node, an uncaught error would end the process. */
function report(error: unknown): void {
  if (globalThis.reportError) globalThis.reportError(error)
  else console.error(error)
}
