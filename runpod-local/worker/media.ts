/** What a media file is to a plan. */
import type { Turn } from './orientation.ts'

/** ffmpeg's names of the containers that are read. */
export type Demuxer = 'mov' | 'matroska' | 'mpegts' | 'avi' | 'asf' | 'flv' | 'mpeg' | 'ogg' | 'mxf' | 'gif'

/** The picture that is exported; `times` and `end` are in seconds from the start of the chosen streams. */
export interface Picture {
  /** ffmpeg's index of the stream in its file. */
  index: number
  codec: string
  /** What turns the stored picture upright. */
  turn: Turn
  /** ffprobe's names, with what is meant where the file does not tell. */
  transfer: string
  matrix: string
  primaries: string
  range: 'tv' | 'pc'
  /** Whether the frames stand at a constant rate; a recording's own times are kept otherwise. */
  constant: boolean
  /** When each frame is shown, ascending. */
  times: readonly number[]
  /** When the last frame ends. */
  end: number
}

/** The sound that is exported; seconds from the start of the chosen streams. */
export interface Sound {
  index: number
  codec: string
  channels: number
  start: number
  end: number
}

/**
 * A file as a viewer sees it: size upright and with square pixels; `duration` is that of the chosen picture and sound,
 * in seconds, and `lead` is how much later than the file itself they begin. `demuxer` is told to ffmpeg, not left to
 * guess, since some of its guesses (playlists) make it open other files.
 */
export interface Probe {
  demuxer: Demuxer
  duration: number
  lead: number
  width: number
  height: number
  picture: Picture
  sound: Sound | null
  /** Sentences about what the file has and the export does not. */
  notes: readonly string[]
}
