/**
 * The drop zone: Uppy's dashboard over the service's own uploads. A chunk of its own, loaded by the studio alone.
 *
 * The service is asked for a plan first. A small file goes in one signed PUT; a large one in parts, by the routes
 * that Companion has, where the plan offers them. The plan outlives a reload, so that parts already sent are kept.
 */
import AwsS3 from '@uppy/aws-s3'
import { type Body, type Meta, Uppy, type UppyFile } from '@uppy/core'
import Dashboard from '@uppy/dashboard'
import GoldenRetriever from '@uppy/golden-retriever'
import { mediaTypeOf, VIDEO_EXTENSIONS } from '../../../client/media-types.ts'
import { type UploadPlan, uploadPlan } from '../service.ts'
import { forgetPlan, planOf, rememberPlan } from './plans.ts'
import { mayGoOn } from './resume.ts'

export interface UploadHandlers {
  onFile: (file: File) => void
  onProgress: (percent: number) => void
  onDone: (file: File, key: string) => void
  /** The file was not taken, or did not arrive. */
  onError: (error: unknown) => void
  /** The file was removed before it was stored. */
  onRemoved: () => void
  /** A reload broke an upload off, and the browser no longer has the file: it must be chosen again. Null: not any more. */
  onUnfinished: (upload: Unfinished | null) => void
}

export interface Unfinished {
  name: string
  /** How much of it is stored. */
  percent: number
}

export interface Uploader {
  /** Takes a file that was not dropped on Uppy itself; the same one again goes on where its upload stood. */
  add(file: File): void
  /** Gives up what is unfinished. */
  forget(): void
  destroy(): void
}

type AnyFile = UppyFile<Meta, Body>

const UPLOADER = 'exportal-uploader'
/** Browsers have no media type for many videos: those are known by their names. */
const ACCEPTED = ['video/*', ...VIDEO_EXTENSIONS]

export function mountUploader(target: HTMLElement, handlers: UploadHandlers): Uploader {
  const uppy = new Uppy({
    id: 'exportal',
    restrictions: { maxNumberOfFiles: 1, allowedFileTypes: ACCEPTED },
    locale: {
      strings: {
        youCanOnlyUploadFileTypes: 'Only videos can be exported.',
        youCanOnlyUploadX: { 0: 'One video at a time.', 1: 'One video at a time.' },
      },
      pluralize: (count) => (count === 1 ? 0 : 1),
    },
  })
  uppy.use(Dashboard, {
    target,
    inline: true,
    width: '100%',
    height: 260,
    theme: 'auto',
    note: 'MP4, MOV, WebM, MKV and most others',
    proudlyDisplayPoweredByUppy: false,
    disableThumbnailGenerator: true,
    locale: { strings: { dropPasteFiles: 'Drop a video here or %{browseFiles}', browseFiles: 'choose one' } },
  })
  uppy.use(GoldenRetriever, { expires: 24 * 3600 * 1000 })

  const start = async (file: AnyFile) => {
    const blob = withType(file)
    if (!blob) return
    handlers.onFile(blob)
    try {
      const kept = planOf(file.id)
      const goesOn = kept !== null && (await mayGoOn(kept, uppy.getFile(file.id).s3Multipart, blob))
      const plan = goesOn ? kept : await uploadPlan(blob)
      // Another file of this name, size and date, or an upload that has ended: it begins anew.
      if (!goesOn) forgetParts(uppy, file.id)
      rememberPlan(file.id, plan)
      installUploader(uppy, blob, plan)
      // A file that came back after a reload goes on where it stood.
      if (uppy.getState().recoveredState) uppy.emit('restore-confirmed')
      else await uppy.upload()
    } catch (error) {
      forgetPlan(file.id)
      if (uppy.getState().files[file.id]) uppy.removeFile(file.id)
      handlers.onError(error)
    }
  }

  uppy.on('file-added', (file) => {
    handlers.onUnfinished(null)
    void start(file)
  })
  uppy.on('restored', () => {
    for (const file of uppy.getFiles()) {
      if (!planOf(file.id)) uppy.removeFile(file.id)
      else if (!file.isGhost) void start(file)
      else handlers.onUnfinished({ name: file.name, percent: Math.floor(file.progress.percentage ?? 0) })
    }
  })
  uppy.on('upload-progress', (_, { bytesUploaded, bytesTotal }) => {
    // All bytes sent are not all bytes stored: the last percent is for the service's answer.
    if (bytesTotal) handlers.onProgress(Math.min(99, Math.floor((bytesUploaded / bytesTotal) * 100)))
  })
  uppy.on('upload-success', (file, { body }) => {
    const key = planOf(file?.id ?? '')?.video_key ?? body?.key
    if (file) forgetPlan(file.id)
    const blob = file && withType(file)
    if (blob && typeof key === 'string') handlers.onDone(blob, key)
  })
  uppy.on('upload-error', (_, error) => handlers.onError(error))
  uppy.on('file-removed', (file) => {
    forgetPlan(file.id)
    handlers.onUnfinished(null)
    handlers.onRemoved()
  })
  const forget = () => {
    for (const { id } of uppy.getFiles()) uppy.removeFile(id)
  }
  const add = (file: File) => {
    const [ghost] = uppy.getFiles()
    // Another file takes the place of the unfinished one.
    if (ghost && (ghost.name !== file.name || ghost.size !== file.size)) forget()
    try {
      uppy.addFile({ source: 'Dashboard', name: file.name, type: file.type, data: file })
    } catch (error) {
      handlers.onError(error)
    }
  }
  return { add, forget, destroy: () => uppy.destroy() }
}

function forgetParts(uppy: Uppy, fileId: string): void {
  const { files } = uppy.getState()
  const { s3Multipart: _, ...file } = uppy.getFile(fileId)
  uppy.setState({ files: { ...files, [fileId]: file } })
}

/** One way of sending for this file: Uppy's plugin takes its mode once. */
function installUploader(uppy: Uppy, file: File, first: UploadPlan): void {
  const before = uppy.getPlugin(UPLOADER)
  if (before) uppy.removePlugin(before)
  const { multipart } = first
  if (multipart) {
    uppy.use(AwsS3, {
      id: UPLOADER,
      companionEndpoint: multipart.companion_url.replace(/\/s3\/?$/, ''),
      shouldUseMultipart: true,
      // Equal parts, as storage wants them.
      getChunkSize: () => multipart.part_size_bytes,
    })
    return
  }
  let plan = first
  uppy.use(AwsS3, {
    id: UPLOADER,
    shouldUseMultipart: false,
    signRequest: async () => {
      // Asked again before every try: a slow or offline page outlives a signed address.
      if (Date.now() >= Date.parse(plan.expires_at)) plan = await uploadPlan(file)
      if (plan.upload_url === null) throw new Error('The service offers no way to send this file.')
      return { url: plan.upload_url, key: plan.video_key, headers: plan.headers }
    },
  })
}

/** The file with the media type that the service is told; null when its bytes are not here. */
function withType(file: AnyFile): File | null {
  const { data, name } = file
  if (!(data instanceof Blob)) return null
  const type = mediaTypeOf({ name, type: data.type })
  return data instanceof File && data.type === type ? data : new File([data], name, { type })
}
