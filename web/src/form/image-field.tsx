import { useContext, useState } from 'preact/hooks'
import { fileName } from '../format.ts'
import { Name } from '../ui/name.tsx'
import { sentenceOf } from '../ui/problem.tsx'
import { storedUrl } from '../upload/local-files.ts'
import { useLastingUrl } from '../video/use-lasting-url.ts'
import { FormContext } from './context.ts'
import type { ControlProps } from './leaf.tsx'

/** Selects an image, uploads it, and sets its key as the value. */
export function ImageField({ id, value, pointer, describedBy, invalid }: ControlProps) {
  const { setImage } = useContext(FormContext)
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<string | null>(null)
  const key = typeof value === 'string' ? value : ''
  const { url, failed, loaded } = useLastingUrl(() => (key ? storedUrl(key) : null))
  const take = async (input: HTMLInputElement) => {
    const [file] = input.files ?? []
    if (!file) return
    setBusy(true)
    setFailure(null)
    try {
      await setImage(pointer, file)
    } catch (error) {
      setFailure(sentenceOf(error))
      // Otherwise choosing the same file again would be no change.
      input.value = ''
    } finally {
      setBusy(false)
    }
  }
  return (
    <div class="image-control">
      {url && <img src={url} alt="" onError={() => void failed()} onLoad={loaded} />}
      <div>
        <input
          id={id}
          type="file"
          accept="image/png,image/jpeg"
          disabled={busy}
          aria-describedby={describedBy}
          aria-invalid={invalid || undefined}
          onChange={(event) => void take(event.currentTarget)}
        />
        <p class="muted small" role="status">
          {busy ? 'Uploading…' : key ? <Name>{fileName(key)}</Name> : 'PNG or JPEG'}
        </p>
        {failure && (
          <p class="field-error" role="alert">
            {failure}
          </p>
        )}
      </div>
    </div>
  )
}
