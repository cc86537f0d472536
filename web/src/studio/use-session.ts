import { useCallback, useState } from 'preact/hooks'

/** State that survives a reload of the tab. Storage errors are ignored. */
export function useSession<T>(name: string, initial: T): [T, (value: T) => void] {
  const key = `exportal:${name}`
  const [value, setValue] = useState<T>(() => {
    try {
      const text = sessionStorage.getItem(key)
      return text === null ? initial : JSON.parse(text)
    } catch {
      return initial
    }
  })
  // Not in an effect, which runs after the next frame: a reload may come sooner.
  const set = useCallback(
    (next: T) => {
      setValue(next)
      try {
        sessionStorage.setItem(key, JSON.stringify(next))
      } catch {
        // Storage is full, or forbidden.
      }
    },
    [key],
  )
  return [value, set]
}
