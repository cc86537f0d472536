import { useEffect, useState } from 'preact/hooks'
import { serverNow } from '../server-time.ts'

/** The current time of the service, updated every second while the page is visible. */
export function useNow(running = true): number {
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    setNow(serverNow())
    if (!running) return
    const timer = setInterval(() => {
      if (!document.hidden) setNow(serverNow())
    }, 1000)
    return () => clearInterval(timer)
  }, [running])
  return now
}
