/**
 * Loads parts of the pages on first use. A tab that is older than the last deployment requests files that do not exist
 * any more, and browsers do not retry the import of a failed module: in both cases only a reload of the page helps.
 */

/** The functions of the tab that are used; replaced in tests. */
export interface Tab {
  storage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  reload(): void
  /** Whether the service serves the page at all: otherwise a reload would leave an empty tab. */
  pageIsThere(): Promise<boolean>
}

const THIS_TAB: Tab = {
  storage: () => sessionStorage,
  reload: () => location.reload(),
  pageIsThere: () =>
    fetch('/', { method: 'HEAD', cache: 'no-store' }).then(
      ({ ok }) => ok,
      () => false,
    ),
}

/**
 * Imports a part by `load`. The first failure reloads the page, and the promise stays pending until then; a part that
 * fails again before it was ever loaded does not cause another reload.
 *
 * @throws Error with advice for the reader; what `load` threw, when the service cannot be reached
 */
export async function loadPart<T>(name: string, load: () => Promise<T>, tab: Tab = THIS_TAB): Promise<T> {
  const mark = `exportal:reloaded:${name}`
  try {
    const part = await load()
    attempt(() => tab.storage().removeItem(mark))
    return part
  } catch (reason) {
    if (!(await tab.pageIsThere())) throw reason
    if (!firstTime(tab, mark)) throw new Error(MISSING, { cause: reason })
    tab.reload()
    return new Promise(() => {})
  }
}

const MISSING =
  'A part of this page did not come, also after it was loaded anew. A newer version may just be going out: try again in a moment.'

/** Sets the mark. Returns false when nothing can be stored, since a second failure could not be detected. */
function firstTime(tab: Tab, mark: string): boolean {
  return (
    attempt(() => {
      if (tab.storage().getItem(mark) !== null) return false
      tab.storage().setItem(mark, '1')
      return true
    }) ?? false
  )
}

function attempt<T>(use: () => T): T | null {
  try {
    return use()
  } catch {
    // Storage is unavailable or full.
    return null
  }
}
