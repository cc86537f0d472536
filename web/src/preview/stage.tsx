import type { ComponentChildren, RefObject } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { JsonObject } from '../../../client/index.ts'
import type { Frame } from '../studio/outcome.ts'
import { statusOf } from '../video/remedy.ts'
import { useLastingUrl } from '../video/use-lasting-url.ts'
import { CropLayer } from './crop-layer.tsx'
import { numberOf } from './geometry.ts'
import { OverlayLayer } from './overlay-layer.tsx'
import { Timeline } from './timeline.tsx'

interface StageProps {
  /** The current URL of the video itself. */
  urlNow: () => string | null
  type: string
  params: JsonObject
  onChange: (params: JsonObject) => void
  video: RefObject<HTMLVideoElement>
  frame: Frame | null
  onFrame: (frame: Frame | null) => void
  /** Shown beside the clock. */
  children: ComponentChildren
}

const NO_PICTURE =
  'This browser cannot show the file, so there is no preview. An export of it works if it is a video of another kind; if it is none, the export fails and says so.'
const REFUSED = 'The service does not give out the video now. Reload the page to sign in again.'
const GONE = 'The uploaded video is not there any more. Replace it with a file of yours.'

/** The video with a preview of the params' effect. For types without a preview it shows the video alone. */
export function Stage({ urlNow, type, params, onChange, video, frame, onFrame, children }: StageProps) {
  const { url, failed, loaded: works } = useLastingUrl(urlNow)
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
    // Rejected by a pause before it began, and when the file cannot be played, which `onError` shows.
    player.play().catch(() => {})
  }
  const passed = () => {
    const player = video.current
    if (player && span && !player.paused && player.currentTime >= span.end) player.pause()
  }
  const loaded = (player: HTMLVideoElement) => {
    if (player.videoWidth === 0) return setUnplayable(NO_PICTURE)
    const { videoWidth: width, videoHeight: height, duration: durationSeconds } = player
    onFrame({ width, height, durationSeconds })
    works()
    // After its URL was renewed.
    if (seconds > 0 && player.currentTime === 0) player.currentTime = seconds
  }

  const fail = async () => {
    // Files of this visit and videos elsewhere need no token of the service.
    const status = url?.startsWith('/') ? await statusOf(url) : null
    if (status === 401 || status === 403) await failed()
    else setUnplayable(status === 404 ? GONE : NO_PICTURE)
  }

  if (unplayable !== null || url === null) {
    return (
      <div class="stage-missing">
        <p>{unplayable ?? REFUSED}</p>
      </div>
    )
  }
  const ratio = frame ? frame.width / frame.height : 16 / 9
  return (
    <figure class="stage" aria-label="Preview" tabIndex={-1}>
      <div class="stage-room">
        <div class="stage-frame" style={{ '--ratio': ratio }} data-ready={frame !== null}>
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
              {type === 'overlay' && (
                <OverlayLayer params={params} frame={frame} seconds={seconds} onChange={onChange} />
              )}
              {type === 'crop' && <CropLayer params={params} ratio={ratio} onChange={onChange} />}
            </div>
          )}
        </div>
      </div>
      {frame && Number.isFinite(frame.durationSeconds) && (
        <Timeline
          type={type}
          params={params}
          onChange={onChange}
          durationSeconds={frame.durationSeconds}
          seconds={seconds}
          playing={playing}
          toggle={toggle}
          seek={seek}
        >
          {children}
        </Timeline>
      )}
    </figure>
  )
}

/** Updates the position at every frame during playback; `timeupdate` fires only four times a second. */
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
