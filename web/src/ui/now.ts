import { useEffect, useState } from 'preact/hooks'

/** The current time, updated every second while the page is visible. */
export function useNow(running = true): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    setNow(Date.now())
    if (!running) return
    const timer = setInterval(() => {
      if (!document.hidden) setNow(Date.now())
    }, 1000)
    return () => clearInterval(timer)
  }, [running])
  return now
}
