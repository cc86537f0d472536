import { useRef, useState } from 'preact/hooks'
import { urlsAreCurrent } from '../service.ts'
import { fileOf } from './remedy.ts'

export interface LastingUrl {
  /** Null without a file, and when it cannot be had. */
  url: string | null
  /** To be called when the file could not be loaded from the URL. */
  failed(): Promise<void>
  /** To be called when it was. */
  loaded(): void
}

/**
 * The URL of a file, which contains a token that expires. The first one is kept while it works, since another one
 * would load the file again; when it fails, the current one is tried once.
 */
export function useLastingUrl(make: () => string | null): LastingUrl {
  const made = make()
  const file = made && fileOf(made)
  const kept = useRef({ file, url: made, isRenewed: false })
  const latest = useRef(make)
  latest.current = make
  const [, render] = useState(0)
  if (kept.current.file !== file) kept.current = { file, url: made, isRenewed: false }
  const failed = async () => {
    const before = kept.current
    if (!before.isRenewed) await urlsAreCurrent()
    if (kept.current !== before) return
    const next = before.isRenewed ? null : latest.current()
    kept.current = { file: before.file, url: next === before.url ? null : next, isRenewed: true }
    render((count) => count + 1)
  }
  const loaded = () => {
    kept.current = { ...kept.current, isRenewed: false }
  }
  return { url: kept.current.url, failed, loaded }
}
