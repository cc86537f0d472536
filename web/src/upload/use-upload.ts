/**
 * One upload at a time, by the client's uploader. Its plan is stored while its URLs are valid, so that the upload of
 * the same file is resumed after a reload or a lost connection.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import { mediaTypeOf, VIDEO_EXTENSIONS } from '../../../client/media-types.ts'
import { exportal, projectId } from '../service.ts'
import { loadPart } from '../ui/load-part.ts'
import { abandoned, type KeptUpload, type Unfinished, whileSending } from './kept-upload.ts'

export interface Upload {
  /** The file that is being uploaded, or failed. */
  file: File | null
  percent: number
  failure: unknown
  /** An upload of an earlier visit: the browser no longer has its file, so it must be selected again. */
  unfinished: Unfinished | null
  take(file: File): void
  /** Aborts the current or unfinished upload. */
  stop(): void
}

/** The filter of the file dialog: browsers have no media type for many videos. */
export const ACCEPTED = ['video/*', ...VIDEO_EXTENSIONS].join(',')

/** @param onStored called when the service has stored the complete file */
export function useUpload(onStored: (file: File, key: string) => void): Upload {
  const [file, setFile] = useState<File | null>(null)
  const [percent, setPercent] = useState(0)
  const [failure, setFailure] = useState<unknown>(null)
  const [unfinished, setUnfinished] = useState<Unfinished | null>(null)
  const sending = useRef<AbortController | null>(null)
  const last = useRef<Promise<void>>(Promise.resolve())
  useEffect(() => {
    void abandoned().then((found) => sending.current ?? setUnfinished(found))
    return () => sending.current?.abort()
  }, [])

  /** An aborted upload of this tab holds the lock until its end. */
  const inTurn = (send: (kept: KeptUpload) => Promise<void>) => {
    const turn = last.current.then(() => whileSending(send))
    last.current = turn.catch(() => {})
    return turn
  }
  const send = async (next: File, signal: AbortSignal, kept: KeptUpload) => {
    signal.throwIfAborted()
    const before = kept.recall()
    const same = before?.name === next.name && before.size === next.size
    let plan = same ? before.plan : undefined
    const note = (sent: number) => {
      setPercent(sent)
      // A file in one piece restarts anyway.
      if (plan?.multipart) kept.keep({ name: next.name, size: next.size, percent: sent, plan })
    }
    await loadPart('client-upload', () => import('../../../client/upload.ts'))
    const { video_key } = await exportal.uploadVideo(next, {
      projectId: projectId(),
      signal,
      plan,
      onPlan: (made) => {
        plan = made
        note(0)
      },
      onProgress: (progress) => note(Math.min(99, progress.percent)),
    })
    kept.keep(null)
    onStored(next, video_key)
    setFile(null)
  }
  const take = (chosen: File) => {
    sending.current?.abort()
    setUnfinished(null)
    if (!isVideo(chosen)) return setFailure(new Error('Only videos can be exported.'))
    // As of a recording that failed, or of a copy that is not complete yet.
    if (chosen.size === 0) return setFailure(new Error('This file is empty.'))
    const next = typed(chosen)
    const own = new AbortController()
    sending.current = own
    setFailure(null)
    setPercent(0)
    setFile(next)
    inTurn((kept) => send(next, own.signal, kept)).catch((error: unknown) => {
      if (!own.signal.aborted) setFailure(error)
    })
  }
  const stop = () => {
    sending.current?.abort()
    void inTurn(async (kept) => kept.keep(null))
    setUnfinished(null)
    setFailure(null)
    setFile(null)
  }
  return { file, percent, failure, unfinished, take, stop }
}

function isVideo({ name, type }: File): boolean {
  const ending = name.slice(name.lastIndexOf('.')).toLowerCase()
  return type.startsWith('video/') || VIDEO_EXTENSIONS.some((each) => each === ending)
}

/** The file with the media type that is sent to the service. */
function typed(file: File): File {
  const type = mediaTypeOf(file)
  return file.type === type ? file : new File([file], file.name, { type, lastModified: file.lastModified })
}
