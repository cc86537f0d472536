import type { Job } from '../../../client/index.ts'
import { bytes, sourceName } from '../format.ts'
import { exportal } from '../service.ts'
import { Icon } from '../ui/icon.tsx'
import { Name } from '../ui/name.tsx'
import { localUrl } from '../upload/local-files.ts'
import { fileOf } from '../video/remedy.ts'
import { Video } from '../video/video.tsx'

/** Selects one of a job's videos. */
type Which = 'input_url' | 'output_url'

export function Source({ job }: { job: Job }) {
  return (
    <Player
      title="Source"
      note={sourceName(job)}
      url={(job.input_video_key && localUrl(job.input_video_key)) ?? shownUrl(job, 'input_url')}
      missing={missingSource(job)}
      renew={() => urlOfNow(job.id, 'input_url')}
    />
  )
}

export function Result({ job }: { job: Job }) {
  return (
    <Player
      title="Result"
      note={job.output_size_bytes ? bytes(job.output_size_bytes) : ''}
      url={shownUrl(job, 'output_url')}
      poster={job.poster_url && exportal.absolute(job.poster_url)}
      missing={MISSING[job.status]}
      renew={() => urlOfNow(job.id, 'output_url')}
    />
  )
}

function missingSource(job: Job): string {
  if (job.input_video_url !== null) return `It lies at ${new URL(job.input_video_url).host}.`
  return job.archived ? 'Removed after its retention.' : 'Appears here once it was found in storage.'
}

function shownUrl(job: Job, which: Which): string | null {
  const url = job[which]
  return url && `${exportal.absolute(url)}&inline=1`
}

async function urlOfNow(id: string, which: Which): Promise<string | null> {
  return shownUrl(await exportal.jobs.get(id), which)
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
  /** Shown until playback starts. */
  poster?: string | null
  /** The text shown instead of a missing video. */
  missing: string
  renew: () => Promise<string | null>
}

function Player({ title, note, url, poster = null, missing, renew }: PlayerProps) {
  return (
    <figure class="player">
      <figcaption>
        <h2>{title}</h2>
        <span class="muted small">
          <Name>{note}</Name>
        </span>
      </figcaption>
      {url ? (
        // Keyed by the file: a new URL for the same file does not interrupt playback.
        <Video key={fileOf(url)} title={title} url={url} poster={poster} renew={renew} failed={placeholder} />
      ) : (
        placeholder(missing)
      )}
    </figure>
  )
}

function placeholder(words: string, again?: () => void) {
  return (
    <div class="player-missing">
      <Icon name="film" />
      <p>{words}</p>
      {again && (
        <button type="button" class="quiet" onClick={again}>
          Try again
        </button>
      )}
    </div>
  )
}
