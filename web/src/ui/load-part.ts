/**
 * Parts of the pages that come when they are first needed. A tab that is older than the last deploy asks for files that
 * are gone, and a browser does not ask again for a module that failed: only loading the page anew helps with either.
 */

/** What is needed of the tab; another one in tests. */
export interface Tab {
  storage(): Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>
  reload(): void
  /** Whether the service gives the page at all: without it a reload would leave nothing. */
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
 * The part that `load` imports. The first failure loads the page anew, and then the promise stays open until the page
 * is left; a part that fails again, before it came once, is not worth another reload.
 *
 * @throws Error that says what to do; what `load` threw, when the service cannot be reached
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

/** Leaves the mark. Where nothing can be stored there is no first time, since it could not be told from the next. */
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
    // No storage, or a full one.
    return null
  }
}
