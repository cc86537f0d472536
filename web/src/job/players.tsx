import { useState } from 'preact/hooks'
import type { Job } from '../../../client/index.ts'
import { bytes, fileName } from '../format.ts'
import { exportal } from '../service.ts'
import { Icon } from '../ui/icon.tsx'
import { localUrl } from '../upload/local-files.ts'

/** Source and result, side by side where there is room. */
export function Players({ job, refresh }: { job: Job; refresh: () => void }) {
  const given = job.input_url && `${exportal.absolute(job.input_url)}&inline=1`
  return (
    <section class="players" aria-label="Videos">
      <Player
        title="Source"
        note={fileName(job.input_video_key)}
        url={localUrl(job.input_video_key) ?? given}
        missing="Removed after its retention."
        refresh={refresh}
      />
      <Player
        title="Result"
        note={job.output_size_bytes ? bytes(job.output_size_bytes) : ''}
        url={job.output_url ? `${exportal.absolute(job.output_url)}&inline=1` : null}
        missing={MISSING[job.status]}
        refresh={refresh}
      />
    </section>
  )
}

const MISSING: Record<Job['status'], string> = {
  pending: 'Appears here when it is stored.',
  queued: 'Appears here when it is stored.',
  processing: 'Appears here when it is stored.',
  cancelling: 'There will be none: the export is being cancelled.',
  complete: 'Removed after its retention.',
  error: 'There is none: the export failed.',
  cancelled: 'There is none: the export was cancelled.',
}

interface PlayerProps {
  title: string
  note: string
  url: string | null
  /** Said in place of a video. */
  missing: string
  /** Asks for a new address; signed ones expire while a page stays open. */
  refresh?: () => void
}

function Player({ title, note, url, missing, refresh }: PlayerProps) {
  const [failed, setFailed] = useState<string | null>(null)
  const [refreshed, setRefreshed] = useState(false)
  const fail = () => {
    if (refresh && !refreshed) {
      setRefreshed(true)
      refresh()
    } else setFailed(url)
  }
  return (
    <figure class="player">
      <figcaption>
        <h2>{title}</h2>
        <span class="muted small">{note}</span>
      </figcaption>
      {url && failed !== url ? (
        // biome-ignore lint/a11y/useMediaCaption: uploads come without captions
        <video src={url} controls playsInline preload="metadata" aria-label={title} onError={fail} />
      ) : (
        <div class="player-missing">
          <Icon name="film" />
          <p>{url && refresh ? 'This browser cannot play the file; it can still be downloaded.' : missing}</p>
        </div>
      )}
    </figure>
  )
}
