import { useRef } from 'preact/hooks'
import { VIDEO_EXTENSIONS } from '../../../client/media-types.ts'
import { Icon } from '../ui/icon.tsx'
import type { Unfinished, Uploader } from './uploader.ts'

interface UnfinishedProps {
  upload: Unfinished
  uploader: Uploader
}

/** An upload that a reload broke off: the browser keeps no large file, so its owner is asked for it once more. */
export function UnfinishedUpload({ upload: { name, percent }, uploader }: UnfinishedProps) {
  const input = useRef<HTMLInputElement>(null)
  const take = (files: FileList | null | undefined) => {
    const file = files?.[0]
    if (file) uploader.add(file)
  }
  return (
    <section
      class="unfinished"
      aria-label="Unfinished upload"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault()
        take(event.dataTransfer?.files)
      }}
    >
      <Icon name="film" />
      <p>
        The upload of <strong>{name}</strong> broke off at {percent} %.
      </p>
      <p class="muted">Choose the same file again, and only the rest of it is sent.</p>
      <div class="buttons">
        <button type="button" class="primary" onClick={() => input.current?.click()}>
          Choose it again
        </button>
        <button type="button" class="quiet" onClick={() => uploader.forget()}>
          Forget it
        </button>
      </div>
      <input
        ref={input}
        type="file"
        accept={['video/*', ...VIDEO_EXTENSIONS].join(',')}
        hidden
        aria-label="The same file again"
        onChange={(event) => take(event.currentTarget.files)}
      />
    </section>
  )
}
