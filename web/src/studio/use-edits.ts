/** The edited state: the type, and the params of each edited type. Survives a reload, and can be undone. */
import { useEffect, useRef } from 'preact/hooks'
import type { JsonObject } from '../../../client/index.ts'
import { useSession } from './use-session.ts'

export interface Edit {
  type: string
  drafts: Record<string, JsonObject>
}

export interface Edits extends Edit {
  /** The current state, also for code that began before the last rendering. */
  now(): Edit
  /** @param apart whether it is undone separately, however soon after another change */
  change(to: Partial<Edit>, apart?: boolean): void
  undo(): void
  redo(): void
  canUndo: boolean
  canRedo: boolean
}

/** Changes within this time are undone together. */
const TOGETHER_MS = 500

/**
 * Everything is read from a reference, never from what was rendered: a key may be handled after a change and before the
 * handlers of its rendering are in place.
 */
export function useEdits(): Edits {
  const [type, setType] = useSession('type', 'overlay')
  const [drafts, setDrafts] = useSession<Edit['drafts']>('drafts', {})
  const edit = useRef<Edit>({ type, drafts })
  const history = useRef({ past: [] as Edit[], future: [] as Edit[], lastAt: 0 })
  const { past, future } = history.current
  const isHeld = useHeldPointer(() => {
    history.current.lastAt = 0
  })
  const show = (next: Edit) => {
    edit.current = next
    setType(next.type)
    setDrafts(next.drafts)
  }
  const change = (to: Partial<Edit>, apart = false) => {
    const now = Date.now()
    const { lastAt } = history.current
    // A drag is one step, however long it rests.
    const isSame = !apart && lastAt > 0 && (isHeld() || now - lastAt <= TOGETHER_MS)
    if (!isSame) past.push(edit.current)
    history.current.lastAt = apart ? 0 : now
    future.length = 0
    show({ ...edit.current, ...to })
  }
  const step = (from: Edit[], to: Edit[]) => {
    const next = from.pop()
    if (!next) return
    to.push(edit.current)
    history.current.lastAt = 0
    show(next)
  }
  return {
    type,
    drafts,
    now: () => edit.current,
    change,
    undo: () => step(past, future),
    redo: () => step(future, past),
    canUndo: past.length > 0,
    canRedo: future.length > 0,
  }
}

/** Whether a pointer is held down. @param pressed called when one is pressed */
function useHeldPointer(pressed: () => void): () => boolean {
  const held = useRef(false)
  useEffect(() => {
    const stop = new AbortController()
    const down = () => {
      held.current = true
      pressed()
    }
    const up = () => {
      held.current = false
    }
    const options = { capture: true, signal: stop.signal }
    addEventListener('pointerdown', down, options)
    for (const end of ['pointerup', 'pointercancel']) addEventListener(end, up, options)
    return () => stop.abort()
  }, [])
  return () => held.current
}
