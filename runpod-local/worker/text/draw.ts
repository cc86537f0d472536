/**
 * Draws a laid-out text as a separate picture, as wide as the frame and transparent elsewhere: it is created once, then
 * laid over every frame as images are. ffmpeg reads the text from files with fixed names, so no text is ever part of a
 * filter.
 */
import type { Size } from '../output.ts'
import { assFile } from './ass.ts'
import { lettersByDrawtext, widestOf } from './drawtext.ts'
import { type Block, type Fonts, SHARE } from './layout.ts'
import { fontsDir, type TextFile, type Typesetter } from './typesetter.ts'

/** The picture's inputs for ffmpeg, and the line of the frame where it begins. */
export interface Layer {
  files: TextFile[]
  /** Indices of the fonts that must be in the job's directory `fontsDir(…)`. */
  fonts: number[]
  filters: string[]
  y: number
}

/** `#rrggbb`. */
export interface Colours {
  color: string
  background?: string | null | undefined
}

/** Draws the text with this number among its job's items. */
export function drawn(
  block: Block,
  colours: Colours,
  frame: Size,
  number: number,
  typesetter: Typesetter,
): Layer {
  const lines = block.lines.filter((_, index) => block.y + index * block.pitch < frame.height)
  const [above, height] = [
    block.y - block.padding,
    Math.round(lines.length * block.pitch + 2 * block.padding),
  ]
  // Marks may extend beyond the first and the last line.
  const top = Math.max(0, above - block.fontSize)
  const size = { width: frame.width, height: above + height + block.fontSize - top }
  const shown = { ...block, lines, y: block.y - top }
  const byAss = typesetter.shaper !== 'none'
  const fonts = byAss ? usedBy(shown, typesetter.fonts) : []
  const letters = byAss
    ? lettersByAss(shown, colours.color, size, number, fonts)
    : lettersByDrawtext(shown, hex(colours.color), number, typesetter.fonts)
  // Transparent, but in the letters' colour, so that their edges have no other colour.
  const clear = `${hex(colours.color)}@0`
  const { background } = colours
  if (background == null) {
    return { ...letters, fonts, filters: [canvas(clear, size), 'format=rgba', ...letters.filters], y: top }
  }
  const box = byAss
    ? boxByAss(shown, background, { width: size.width, height }, number, fonts)
    : boxByWidth(shown, background, { width: size.width, height })
  const pad = `pad=${size.width}:${size.height}:${box.x}:${above - top}:color=${clear}`
  return {
    files: [...box.files, ...letters.files],
    fonts,
    filters: [...box.filters, pad, ...letters.filters],
    y: top,
  }
}

/**
 * libass loads all fonts of its directory into memory, separately for each filter, so each gets only those it needs.
 */
function usedBy({ lines }: Block, fonts: Fonts): number[] {
  const used = lines.flatMap(({ runs }) => runs.map(({ font }) => fonts.indexOf(font)))
  return [...new Set([0, ...used])].sort((a, b) => a - b)
}

function lettersByAss(block: Block, colour: string, size: Size, number: number, fonts: number[]) {
  const name = `text-${number}.ass`
  return { files: [{ name, text: assFile(block, colour, size, false) }], filters: [assFilter(name, fonts)] }
}

/** Only libass has the width of shaped text, so it draws the background, higher than needed. */
function boxByAss(block: Block, colour: string, size: Size, number: number, fonts: number[]) {
  const name = `box-${number}.ass`
  const files = [{ name, text: assFile(block, colour, size, true) }]
  return { x: 0, files, filters: [canvas(`${hex(colour)}@0`, size), 'format=rgba', assFilter(name, fonts)] }
}

/** Without shaping, the width is that of the layout. */
function boxByWidth(block: Block, colour: string, frame: Size) {
  const width = Math.round(widestOf(block)) + 2 * block.padding
  const start = Math.round(block.x - SHARE[block.align] * widestOf(block))
  const x = Math.max(0, start - block.padding)
  const size = { width: Math.max(1, Math.min(width, frame.width - x)), height: frame.height }
  return { x, files: [], filters: [canvas(hex(colour), size), 'format=rgba'] }
}

const assFilter = (name: string, fonts: number[]) => `ass=f=${name}:fontsdir=${fontsDir(fonts)}:alpha=1`
const canvas = (colour: string, size: Size) => `color=c=${colour}:s=${size.width}x${size.height}:r=1:d=1`
const hex = (colour: string) => `0x${colour.slice(1)}`
