import type { RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { JsonObject } from '../../../client/index.ts'
import { statusOf } from '../video/remedy.ts'
import { CropLayer } from './crop-layer.tsx'
import { numberOf } from './geometry.ts'
import { OverlayLayer } from './overlay-layer.tsx'
import { Transport, TrimRange } from './transport.tsx'

interface StageProps {
  /** Of the video itself. */
  url: string
  type: string
  params: JsonObject
  onChange: (params: JsonObject) => void
  video: RefObject<HTMLVideoElement>
  onDuration: (seconds: number | null) => void
}

const NO_PICTURE =
  'This browser cannot show the file, so there is no preview. An export of it works if it is a video of another kind; if it is none, the export fails and says so.'
const GONE = 'The uploaded video is not there any more. Replace it with a file of yours.'

interface Frame {
  ratio: number
  durationSeconds: number
}

/** The video with what the params will do to it. Types that it has no picture for show the video alone. */
export function Stage({ url, type, params, onChange, video, onDuration }: StageProps) {
  const [frame, setFrame] = useState<Frame | null>(null)
  const [unplayable, setUnplayable] = useState<string | null>(null)
  const [seconds, setSeconds] = useState(0)
  const [playing, setPlaying] = useState(false)

  useSmoothTime(video, playing, setSeconds)

  const seek = (to: number) => {
    if (video.current) video.current.currentTime = to
    setSeconds(to)
  }
  const span = type === 'trim' ? spanOf(params) : null
  const toggle = () => {
    const player = video.current
    if (!player) return
    if (!player.paused) return player.pause()
    const { currentTime } = player
    if (span && (currentTime < span.start || currentTime >= span.end - 0.05)) player.currentTime = span.start
    void player.play()
  }
  const passed = () => {
    const player = video.current
    if (player && span && !player.paused && player.currentTime >= span.end) player.pause()
  }
  const loaded = (player: HTMLVideoElement) => {
    if (player.videoWidth === 0) return setUnplayable(NO_PICTURE)
    setFrame({ ratio: player.videoWidth / player.videoHeight, durationSeconds: player.duration })
    onDuration(Number.isFinite(player.duration) ? player.duration : null)
  }

  const fail = async () => {
    const status = url.startsWith('blob:') ? null : await statusOf(url)
    setUnplayable(status === 404 ? GONE : NO_PICTURE)
  }

  if (unplayable !== null) {
    return (
      <div class="stage-missing">
        <p>{unplayable}</p>
      </div>
    )
  }
  return (
    <figure class="stage" aria-label="Preview">
      <div class="stage-frame" style={{ '--ratio': frame?.ratio ?? 16 / 9 }}>
        {/* biome-ignore lint/a11y/useMediaCaption: a preview of the user's own file */}
        <video
          ref={video}
          src={url}
          playsInline
          preload="auto"
          onLoadedMetadata={(event) => loaded(event.currentTarget)}
          onError={() => void fail()}
          onPlay={() => setPlaying(true)}
          onPause={() => setPlaying(false)}
          onTimeUpdate={passed}
        />
        {frame && (
          <div class="stage-layer">
            {type === 'overlay' && <OverlayLayer params={params} seconds={seconds} onChange={onChange} />}
            {type === 'crop' && <CropLayer params={params} ratio={frame.ratio} onChange={onChange} />}
          </div>
        )}
      </div>
      {frame && Number.isFinite(frame.durationSeconds) && (
        <>
          <Transport
            seconds={seconds}
            durationSeconds={frame.durationSeconds}
            playing={playing}
            toggle={toggle}
            seek={seek}
          />
          {type === 'trim' && (
            <TrimRange
              params={params}
              durationSeconds={frame.durationSeconds}
              onChange={onChange}
              seek={seek}
            />
          )}
        </>
      )}
    </figure>
  )
}

/** The position at every frame while it plays; `timeupdate` comes only four times a second. */
function useSmoothTime(
  video: RefObject<HTMLVideoElement>,
  playing: boolean,
  setSeconds: (seconds: number) => void,
): void {
  useEffect(() => {
    if (!playing) return
    let frame = requestAnimationFrame(function tick() {
      if (video.current) setSeconds(video.current.currentTime)
      frame = requestAnimationFrame(tick)
    })
    return () => cancelAnimationFrame(frame)
  }, [playing, video, setSeconds])
}

function spanOf(params: JsonObject): { start: number; end: number } {
  return {
    start: numberOf(params, 'start_seconds', 0),
    end: numberOf(params, 'end_seconds', Number.POSITIVE_INFINITY),
  }
}
