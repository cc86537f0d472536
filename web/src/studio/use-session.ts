import { useEffect, useState } from 'preact/hooks'

/** State that outlives a reload of the tab. What cannot be kept is forgotten without a word. */
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
  useEffect(() => {
    try {
      sessionStorage.setItem(key, JSON.stringify(value))
    } catch {
      // Full, or forbidden.
    }
  }, [key, value])
  return [value, setValue]
}
