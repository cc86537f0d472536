/** One polite live region for the whole page: announces changes that the reader did not cause. */
import { useEffect, useState } from 'preact/hooks'

const SAID = 'exportal:said'

export function announce(text: string): void {
  dispatchEvent(new CustomEvent(SAID, { detail: text }))
}

export function Announcer() {
  const [text, setText] = useState('')
  useEffect(() => {
    const say = (event: Event) => setText(event instanceof CustomEvent ? String(event.detail) : '')
    addEventListener(SAID, say)
    return () => removeEventListener(SAID, say)
  }, [])
  return (
    <div class="visually-hidden" role="status" aria-live="polite">
      {text}
    </div>
  )
}
