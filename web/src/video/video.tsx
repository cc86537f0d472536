import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ExportalError } from '../../../client/index.ts'
import { sentenceOf } from '../ui/problem.tsx'
import { remedyFor, statusOf, WORDS } from './remedy.ts'

interface VideoProps {
  title: string
  /** Read on the first render: a URL that changes during playback would restart the video. */
  url: string
  /** URL of a poster; null for the first frame. */
  poster?: string | null
  /** Requests a current URL; null when the file is gone. */
  renew: () => Promise<string | null>
  /** Replaces a player that has failed, until it is retried. */
  failed: (words: string, again: () => void) => JSX.Element
}

/** The state of a player before its URL was renewed. */
interface Standing {
  seconds: number
  playing: boolean
  rate: number
}

/** A player whose URL may expire while it is open, any number of times. */
export function Video({ title, url, poster = null, renew, failed }: VideoProps) {
  const [source, setSource] = useState({ url, renewals: 0 })
  const [words, setWords] = useState<string | null>(null)
  const video = useRef<HTMLVideoElement>(null)
  const standing = useRef<Standing>({ seconds: 0, playing: false, rate: 1 })
  const worked = useRef(false)
  const mending = useRef(false)

  // Also when the new URL equals the previous one.
  useEffect(() => {
    if (source.renewals > 0) video.current?.load()
  }, [source])

  const ask = async () => {
    mending.current = true
    const next = await renew().catch((error: unknown) => {
      const gone = error instanceof ExportalError && error.status === 404
      return { words: gone ? WORDS.gone : sentenceOf(error) }
    })
    mending.current = false
    if (next === null) return setWords(WORDS.gone)
    if (typeof next === 'object') return setWords(next.words)
    // If the user sought while the URL was requested, that position is kept.
    const player = video.current
    if (worked.current && player) standing.current = { ...standing.current, seconds: player.currentTime }
    worked.current = false
    setWords(null)
    setSource(({ renewals }) => ({ url: next, renewals: renewals + 1 }))
  }
  const mend = async (player: HTMLVideoElement) => {
    if (mending.current) return
    mending.current = true
    const { currentTime: seconds, paused, playbackRate: rate, error } = player
    const playing = !paused || (standing.current.playing && !worked.current)
    standing.current = worked.current ? { seconds, playing, rate } : { ...standing.current, playing }
    const remedy = remedyFor({
      status: await statusOf(source.url),
      worked: worked.current,
      renewed: source.renewals > 0,
      code: error?.code ?? 0,
    })
    if (remedy === 'renew') return ask()
    mending.current = false
    setWords(WORDS[remedy])
  }
  const resume = (player: HTMLVideoElement) => {
    const { seconds, playing, rate } = standing.current
    player.playbackRate = rate
    // If the user sought while the new URL was loading, the position is already set.
    if (seconds > 0 && player.currentTime === 0) player.currentTime = seconds
    // A browser may refuse to start playback; the player then stays at its position.
    if (playing) player.play().catch(() => {})
  }

  if (words !== null) return failed(words, () => void ask())
  return (
    // biome-ignore lint/a11y/useMediaCaption: uploads come without captions
    <video
      ref={video}
      src={source.url}
      poster={poster ?? undefined}
      controls
      playsInline
      preload="metadata"
      aria-label={title}
      onError={(event) => void mend(event.currentTarget)}
      onLoadedMetadata={(event) => {
        if (source.renewals > 0) resume(event.currentTarget)
      }}
      onLoadedData={() => {
        worked.current ||= standing.current.seconds === 0
      }}
      onSeeked={() => {
        worked.current = true
      }}
    />
  )
}
