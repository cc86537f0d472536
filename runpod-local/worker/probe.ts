/** What a media file holds, read in plain TypeScript: no ffprobe is needed. */
import {
  FilePathSource,
  Input,
  type InputFormat,
  MATROSKA,
  MP4,
  MPEG_TS,
  Mp4InputFormat,
  MpegTsInputFormat,
  QTFF,
  QuickTimeInputFormat,
  WEBM,
} from 'mediabunny'
import { invalidMedia, JobFailure } from './failure.ts'

/**
 * A file as a viewer sees it: size after rotation and with square pixels, duration of the longest track in
 * seconds. `demuxer` is ffmpeg's name of the container: it is told, not left to guess, since some of its
 * guesses (playlists) make it open other files.
 */
export interface Probe {
  demuxer: 'mov' | 'matroska' | 'mpegts'
  duration: number
  width: number
  height: number
  hasAudio: boolean
}

/** Playlists are left out on purpose: they name other files. */
const formats = [MP4, QTFF, MATROSKA, WEBM, MPEG_TS]

/** Reads the file at `path`. Throws `invalid_media` when it is no video; `what` names it in the sentence. */
export async function probe(path: string, what = 'The input'): Promise<Probe> {
  // Without a handler an error while reading ahead would end the process.
  const source = new FilePathSource(path, { handleUnhandledError: () => {} })
  const input = new Input({ source, formats })
  try {
    if (!(await input.canRead())) {
      throw invalidMedia(
        `${what} is not a video that can be read: it must be MP4, MOV, WebM, MKV or MPEG-TS.`,
      )
    }
    const track = await input.getPrimaryVideoTrack()
    if (track === null) throw invalidMedia(`${what} has no video track.`)
    const [width, height] = [await track.getDisplayWidth(), await track.getDisplayHeight()]
    const duration = (await input.computeDuration()) - Math.max(0, await input.getFirstTimestamp())
    if (!(duration > 0) || !(width > 0) || !(height > 0)) throw invalidMedia(`${what} holds no picture.`)
    const hasAudio = (await input.getPrimaryAudioTrack()) !== null
    return { demuxer: demuxerOf(await input.getFormat()), duration, width, height, hasAudio }
  } catch (error) {
    if (error instanceof JobFailure) throw error
    throw invalidMedia(`${what} is damaged: ${error instanceof Error ? error.message : 'it cannot be read'}`)
  } finally {
    input.dispose()
  }
}

function demuxerOf(format: InputFormat): Probe['demuxer'] {
  if (format instanceof Mp4InputFormat || format instanceof QuickTimeInputFormat) return 'mov'
  return format instanceof MpegTsInputFormat ? 'mpegts' : 'matroska'
}
