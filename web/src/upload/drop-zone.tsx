import { useRef, useState } from 'preact/hooks'
import { Icon } from '../ui/icon.tsx'
import { Name } from '../ui/name.tsx'
import { sentenceOf } from '../ui/problem.tsx'
import { AddressField } from './address-field.tsx'
import type { Unfinished } from './kept-upload.ts'
import { ACCEPTED } from './use-upload.ts'

interface DropZoneProps {
  unfinished: Unfinished | null
  onFile: (file: File) => void
  onAddress: (url: string) => void
  onForget: () => void
}

/** Selects a video: dropped, chosen, by URL, or the sample. */
export function DropZone({ unfinished, onFile, onAddress, onForget }: DropZoneProps) {
  const input = useRef<HTMLInputElement>(null)
  const [over, setOver] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const take = ([file, second]: Iterable<File>) => {
    if (!file) return setFailure('That is no file. Drop a video that is on this computer.')
    if (second) return setFailure('One video at a time: each export has one source.')
    onFile(file)
  }
  const sample = async () => {
    setFailure(null)
    try {
      const answer = await fetch('/sample.mp4')
      if (!answer.ok) throw new Error(`The service answered ${answer.status} instead of the sample.`)
      onFile(new File([await answer.blob()], 'sample.mp4', { type: 'video/mp4' }))
    } catch (error) {
      setFailure(sentenceOf(error))
    }
  }
  return (
    <section
      class="drop-zone"
      aria-label={unfinished ? 'Unfinished upload' : 'Choose a video'}
      data-over={over}
      onDragOver={(event) => {
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault()
        setOver(false)
        take(event.dataTransfer?.files ?? [])
      }}
    >
      <Icon name="film" />
      {unfinished ? (
        <>
          <p class="drop-title">
            The upload of{' '}
            <strong>
              <Name>{unfinished.name}</Name>
            </strong>{' '}
            broke off at {unfinished.percent} %.
          </p>
          <p class="muted">Choose the same file again, and only the rest of it is sent.</p>
        </>
      ) : (
        <>
          <p class="drop-title">Drop a video here</p>
          <p class="muted">MP4, MOV, WebM, MKV and most others, usually up to 5 GB</p>
        </>
      )}
      <div class="buttons">
        <button type="button" class="primary" onClick={() => input.current?.click()}>
          {unfinished ? 'Choose it again' : 'Choose a video'}
        </button>
        {unfinished ? (
          <button type="button" onClick={onForget}>
            Forget it
          </button>
        ) : (
          <button type="button" onClick={() => void sample()}>
            Try a sample
          </button>
        )}
      </div>
      {failure !== null && (
        <p class="field-error" role="alert">
          {failure}
        </p>
      )}
      <input
        ref={input}
        class="file-input"
        type="file"
        accept={ACCEPTED}
        hidden
        aria-label="Video file"
        onChange={({ currentTarget: { files } }) => files?.length && take(files)}
      />
      {!unfinished && <AddressField onAddress={onAddress} />}
      <p class="muted small">
        Your video is stored by this service alone and seen by its GPU workers. It goes with its last export,
        seven days after the end, or whenever you delete it.
      </p>
    </section>
  )
}
