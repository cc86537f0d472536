/**
 * One upload at a time, by the client's uploader. Its plan is stored while its URLs are valid, so that the upload of
 * the same file is resumed after a reload or a lost connection.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { UploadPlan } from '../../../client/index.ts'
import { mediaTypeOf, VIDEO_EXTENSIONS } from '../../../client/media-types.ts'
import { exportal, projectId } from '../service.ts'
import { loadPart } from '../ui/load-part.ts'

export interface Unfinished {
  name: string
  /** The stored percentage. */
  percent: number
}

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

interface Kept extends Unfinished {
  size: number
  plan: UploadPlan
}

/** The filter of the file dialog: browsers have no media type for many videos. */
export const ACCEPTED = ['video/*', ...VIDEO_EXTENSIONS].join(',')

/** @param onStored called when the service has stored the complete file */
export function useUpload(onStored: (file: File, key: string) => void): Upload {
  const kept = useRef(`exportal:upload:${projectId()}`)
  const [file, setFile] = useState<File | null>(null)
  const [percent, setPercent] = useState(0)
  const [failure, setFailure] = useState<unknown>(null)
  const [unfinished, setUnfinished] = useState<Unfinished | null>(() => recall(kept.current))
  const sending = useRef<AbortController | null>(null)
  useEffect(() => () => sending.current?.abort(), [])

  const send = async (next: File, signal: AbortSignal) => {
    const before = recall(kept.current)
    const same = before?.name === next.name && before.size === next.size
    let plan = same ? before.plan : undefined
    const note = (sent: number) => {
      setPercent(sent)
      // A file in one piece restarts anyway.
      if (plan?.multipart) keep(kept.current, { name: next.name, size: next.size, percent: sent, plan })
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
    keep(kept.current, null)
    onStored(next, video_key)
    setFile(null)
  }
  const take = (chosen: File) => {
    sending.current?.abort()
    setUnfinished(null)
    if (!isVideo(chosen)) return setFailure(new Error('Only videos can be exported.'))
    const next = typed(chosen)
    const own = new AbortController()
    sending.current = own
    setFailure(null)
    setPercent(0)
    setFile(next)
    send(next, own.signal).catch((error: unknown) => {
      if (!own.signal.aborted) setFailure(error)
    })
  }
  const stop = () => {
    sending.current?.abort()
    keep(kept.current, null)
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

function recall(name: string): Kept | null {
  try {
    const kept: Kept | null = JSON.parse(localStorage.getItem(name) ?? 'null')
    return kept && Date.parse(kept.plan.expires_at) > Date.now() ? kept : null
  } catch {
    return null
  }
}

function keep(name: string, upload: Kept | null): void {
  try {
    if (upload) localStorage.setItem(name, JSON.stringify(upload))
    else localStorage.removeItem(name)
  } catch {
    // Storage is unavailable: a reload restarts the upload.
  }
}
