import { useEffect, useRef, useState } from 'preact/hooks'
import { loadPart } from '../ui/load-part.ts'
import { Problem } from '../ui/problem.tsx'
import { UnfinishedUpload } from './unfinished.tsx'
import type { Unfinished, Uploader, UploadHandlers } from './uploader.ts'

/** Where a video is dropped. Uppy comes only now: pages that show a job do not pay for it. */
export function DropZone(handlers: Omit<UploadHandlers, 'onUnfinished'>) {
  const target = useRef<HTMLDivElement>(null)
  const [failure, setFailure] = useState<unknown>(null)
  const [uploader, setUploader] = useState<Uploader | null>(null)
  const [unfinished, setUnfinished] = useState<Unfinished | null>(null)
  const latest = useRef(handlers)
  latest.current = handlers

  useEffect(() => {
    let left = false
    let destroy = () => {}
    const mount = async () => {
      const load = () => Promise.all([import('./uploader.ts'), loadStyles()])
      const [{ mountUploader }] = await loadPart('uploader', load)
      if (left || !target.current) return
      const uploader = mountUploader(target.current, {
        onFile: (file) => latest.current.onFile(file),
        onProgress: (percent) => latest.current.onProgress(percent),
        onDone: (file, key) => latest.current.onDone(file, key),
        onError: (error) => latest.current.onError(error),
        onRemoved: () => latest.current.onRemoved(),
        onUnfinished: setUnfinished,
      })
      destroy = () => uploader.destroy()
      setUploader(uploader)
    }
    mount().catch(setFailure)
    return () => {
      left = true
      destroy()
    }
  }, [])

  return (
    <div class="drop-zone">
      {failure != null && (
        // What was typed is kept.
        <Problem error={failure} title="The upload could not be prepared" retry={() => location.reload()} />
      )}
      {!uploader && failure == null && (
        <div class="skeleton" role="status" aria-label="Preparing the upload" style={{ height: '260px' }} />
      )}
      {uploader && unfinished && <UnfinishedUpload upload={unfinished} uploader={uploader} />}
      <div ref={target} hidden={unfinished !== null} />
    </div>
  )
}

let styles: Promise<void> | null = null

function loadStyles(): Promise<void> {
  styles ??= new Promise((resolve, reject) => {
    const href = document.querySelector<HTMLMetaElement>('meta[name="uppy-css"]')?.content
    if (!href) return resolve()
    const link = document.createElement('link')
    link.rel = 'stylesheet'
    link.href = href
    link.onload = () => resolve()
    link.onerror = () => {
      styles = null
      link.remove()
      reject(new TypeError('The stylesheet did not load.'))
    }
    // In front of the pages' own styles, which have the last word.
    document.head.prepend(link)
  })
  return styles
}
