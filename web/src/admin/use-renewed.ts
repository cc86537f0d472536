import { useCallback, useEffect, useState } from 'preact/hooks'

export interface Renewed<T> {
  /** Null before the first answer. */
  value: T | null
  /** The error of the last request; null after an answer. */
  error: unknown
  reload: () => void
  /** Applies the answer of a change. */
  change: (to: (before: T) => T) => void
}

/**
 * Loads an answer of the service, and refreshes it while the page is visible.
 *
 * @param load stable between renders (`useCallback`): a new function is called at once
 * @param repeat starts an interval of constant length and returns its id
 */
export function useRenewed<T>(
  load: (signal: AbortSignal) => Promise<T>,
  repeat: (ask: () => void) => ReturnType<typeof setInterval>,
): Renewed<T> {
  const [value, setValue] = useState<T | null>(null)
  const [error, setError] = useState<unknown>(null)
  const [loads, setLoads] = useState(0)
  useEffect(() => {
    const stop = new AbortController()
    let pending = false
    const ask = async () => {
      pending = true
      try {
        setValue(await load(stop.signal))
        setError(null)
      } catch (reason) {
        if (!stop.signal.aborted) setError(reason)
      }
      pending = false
    }
    void ask()
    const timer = repeat(() => {
      // A service slower than the interval is asked once at a time, and its answers come in order.
      if (!document.hidden && !pending) void ask()
    })
    return () => {
      clearInterval(timer)
      stop.abort()
    }
  }, [load, repeat, loads])
  const reload = useCallback(() => setLoads((before) => before + 1), [])
  const change = useCallback((to: (before: T) => T) => setValue((before) => before && to(before)), [])
  return { value, error, reload, change }
}
