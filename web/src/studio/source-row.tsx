import { bytes } from '../format.ts'
import { Link } from '../router.tsx'
import { Icon } from '../ui/icon.tsx'
import { Name } from '../ui/name.tsx'

interface SourceRowProps {
  source: { name: string; size: number | null }
  /** The stored percentage; null once the upload is complete. */
  percent: number | null
  /** The id of the export that this one is based on. */
  rerunOf: string | null
  onReplace: () => void
}

/** The file to export, with a thin bar for its upload. */
export function SourceRow({ source: { name, size }, percent, rerunOf, onReplace }: SourceRowProps) {
  return (
    <div class="source">
      <Icon name="film" />
      <span class="ellipsis" title={name}>
        <Name>{name}</Name>
      </span>
      {size !== null && <span class="muted">{bytes(size)}</span>}
      {rerunOf && <Link to={`/jobs/${rerunOf}`}>earlier export</Link>}
      <span class="spacer" />
      <button type="button" class="bare" onClick={onReplace}>
        {percent === null ? 'Replace' : 'Stop the upload'}
      </button>
      {percent !== null && (
        <div
          class="source-bar"
          role="progressbar"
          aria-label={`Upload of ${name}`}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={percent}
        >
          <div style={{ transform: `scaleX(${percent / 100})` }} />
        </div>
      )}
    </div>
  )
}
