/** The current time for elements in view, so that only the visible part of a long list is rendered as time passes. */
import type { RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { serverNow } from '../../server-time.ts'

const TICK_MS = 10_000

/** The visible elements, and the callbacks of all observed ones. */
const inView = new Set<Element>()
const clocks = new Map<Element, (now: number) => void>()
let seen: IntersectionObserver | null = null
let timer: ReturnType<typeof setInterval> | undefined

function tellInView(): void {
  if (document.hidden) return
  for (const element of inView) clocks.get(element)?.(serverNow())
}

function look(entries: IntersectionObserverEntry[]): void {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) inView.delete(target)
    else if (!inView.has(target)) {
      inView.add(target)
      clocks.get(target)?.(serverNow())
    }
  }
}

/** The time, updated when the element comes into view, and every ten seconds while it is visible. */
export function useTimeInView(place: RefObject<Element>): number {
  const [now, setNow] = useState(serverNow)
  useEffect(() => {
    const element = place.current
    if (!element) return
    seen ??= new IntersectionObserver(look)
    timer ??= setInterval(tellInView, TICK_MS)
    clocks.set(element, setNow)
    seen.observe(element)
    return () => {
      seen?.unobserve(element)
      inView.delete(element)
      clocks.delete(element)
      if (clocks.size > 0) return
      clearInterval(timer)
      timer = undefined
    }
  }, [place])
  return now
}
