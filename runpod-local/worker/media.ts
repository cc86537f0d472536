/** The properties of a media file that a plan needs. */
import type { Turn } from './orientation.ts'

/** ffmpeg's names of the supported containers. */
export type Demuxer = 'mov' | 'matroska' | 'mpegts' | 'avi' | 'asf' | 'flv' | 'mpeg' | 'ogg' | 'mxf' | 'gif'

/** The picture to export; `times` and `end` are in seconds from the start of the chosen streams. */
export interface Picture {
  /** ffmpeg's index of the stream in the file. */
  index: number
  codec: string
  /** The rotation or reflection that makes the stored picture upright. */
  turn: Turn
  /** ffprobe's names, with defaults where the file has no tags. */
  transfer: string
  matrix: string
  primaries: string
  range: 'tv' | 'pc'
  /** Whether its pixels may be transparent; their colours are not multiplied by it. */
  alpha: boolean
  /** Whether frames may consist of two fields; the decoder flags those that do. */
  interlaced: boolean
  /** Whether the frame rate is constant; the times of other recordings are preserved. */
  constant: boolean
  /** When each frame is shown, in ascending order. */
  times: readonly number[]
  /** When the last frame ends. */
  end: number
}

/** The sound to export; seconds from the start of the chosen streams. */
export interface Sound {
  index: number
  codec: string
  channels: number
  /** The index of the stream for the right side, where `index` is the left one; each has one channel. */
  right?: number | undefined
  start: number
  end: number
}

/**
 * A file in presentation form: size upright and with square pixels; `duration` is that of the chosen picture and sound,
 * in seconds, and `lead` is how much later than the file they begin. `demuxer` is passed to ffmpeg rather than detected
 * by it, since some detected formats (playlists) make it open other files.
 */
export interface Probe {
  demuxer: Demuxer
  duration: number
  lead: number
  width: number
  height: number
  picture: Picture
  sound: Sound | null
  /** Sentences about parts of the file that the export omits. */
  notes: readonly string[]
}
