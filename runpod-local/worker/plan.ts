/**
 * From a job to ffmpeg's arguments, without running anything. A type says what it does to the picture as an
 * `Edit`; this file puts it together. ffmpeg runs inside the job's own directory and every file in it has a fixed
 * name, so no text and no path of a user is ever read as part of a filter.
 */
import type { Edit, JobType } from './edit.ts'
import { invalidParams } from './failure.ts'
import { encoderArgs, even, outputFilters, type Size } from './output.ts'
import type { Probe } from './probe.ts'
import { crop } from './types/crop.ts'
import { overlay } from './types/overlay.ts'
import { transcode } from './types/transcode.ts'
import { trim } from './types/trim.ts'

const types: readonly JobType[] = [overlay, trim, crop, transcode]

export interface Plan extends Edit {
  /** ffmpeg's arguments, given the demuxer of each image, in their order. */
  args(imageDemuxers: readonly string[]): string[]
  outputName: string
}

export const INPUT_NAME = 'input'
/** The name of the image with this index, in the job's directory. */
export const imageName = (index: number): string => `image-${index}`

/** Plans the job. Throws `invalid_params` or `invalid_media` with a sentence about what cannot be done. */
export function planJob(type: string, params: unknown, probe: Probe): Plan {
  const jobType = types.find(({ name }) => name === type)
  if (jobType === undefined) {
    const known = types.map(({ name }) => name).join(', ')
    throw invalidParams(`This worker does not know the type "${type}"; it knows ${known}.`)
  }
  const size = { width: even(probe.width), height: even(probe.height) }
  const edit = jobType.edit(params, { ...probe, ...size })
  const outputName = `output.${edit.output.container}`
  const args = (imageDemuxers: readonly string[]) => [
    ...['-hide_banner', '-nostdin', '-v', 'error', '-xerror', '-y', '-nostats', '-progress', 'pipe:1'],
    ...(edit.start > 0 ? ['-ss', String(edit.start)] : []),
    ...source(probe.demuxer, INPUT_NAME),
    ...edit.imageKeys.flatMap((_, index) => source(imageDemuxers[index] ?? '', imageName(index))),
    ...['-filter_complex', graph(edit, size), '-map', '[out]'],
    ...(probe.hasAudio ? ['-map', '0:a:0'] : []),
    ...(edit.start > 0 || edit.duration < probe.duration ? ['-t', String(edit.duration)] : []),
    ...encoderArgs(edit.output, probe.hasAudio),
    outputName,
  ]
  return { ...edit, args, outputName }
}

/** The demuxer is named and only files may be opened, so that no input can make ffmpeg read anything else. */
function source(demuxer: string, name: string): string[] {
  return ['-protocol_whitelist', 'file', '-f', demuxer, '-i', name]
}

function graph(edit: Edit, size: Size): string {
  const chains: string[] = []
  // Rotation is done by ffmpeg while decoding; odd sides and non-square pixels end here.
  let filters = [`scale=${size.width}:${size.height}`, 'setsar=1']
  let from = '[0:v:0]'
  edit.steps.forEach((step, index) => {
    if ('filter' in step) {
      filters.push(step.filter)
      return
    }
    chains.push(`${from}${filters.join(',')}[below${index}]`)
    chains.push(`[${step.image + 1}:v]${step.prepare.join(',')}[image${index}]`)
    from = `[below${index}][image${index}]`
    filters = [step.place]
  })
  chains.push(`${from}${[...filters, ...outputFilters(edit.size, edit.output)].join(',')}[out]`)
  return chains.join(';')
}
