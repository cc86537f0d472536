/** The edited state: the type, and the params of each edited type. Survives a reload, and can be undone. */
import { useRef } from 'preact/hooks'
import type { JsonObject } from '../../../client/index.ts'
import { useSession } from './use-session.ts'

export interface Edit {
  type: string
  drafts: Record<string, JsonObject>
}

export interface Edits extends Edit {
  /** @param apart whether it is undone separately, however soon after another change */
  change(to: Partial<Edit>, apart?: boolean): void
  undo(): void
  redo(): void
  canUndo: boolean
  canRedo: boolean
}

/** Changes within this time are undone together. */
const TOGETHER_MS = 500

export function useEdits(): Edits {
  const [type, setType] = useSession('type', 'overlay')
  const [drafts, setDrafts] = useSession<Edit['drafts']>('drafts', {})
  const history = useRef({ past: [] as Edit[], future: [] as Edit[], lastAt: 0 })
  const { past, future } = history.current
  const show = (edit: Edit) => {
    setType(edit.type)
    setDrafts(edit.drafts)
  }
  const change = (to: Partial<Edit>, apart = false) => {
    const now = Date.now()
    if (apart || now - history.current.lastAt > TOGETHER_MS) past.push({ type, drafts })
    history.current.lastAt = apart ? 0 : now
    future.length = 0
    show({ type, drafts, ...to })
  }
  const step = (from: Edit[], to: Edit[]) => {
    const edit = from.pop()
    if (!edit) return
    to.push({ type, drafts })
    history.current.lastAt = 0
    show(edit)
  }
  return {
    type,
    drafts,
    change,
    undo: () => step(past, future),
    redo: () => step(future, past),
    canUndo: past.length > 0,
    canRedo: future.length > 0,
  }
}
