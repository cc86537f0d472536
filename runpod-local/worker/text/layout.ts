/**
 * Positions the lines of a text, and selects the font of each piece. Nothing is shaped: lines are broken by the advance
 * widths of their characters, so that both workers and the studio's preview break them at the same place.
 */
import { besides, clustersOf, composed, isDrawn, isSpace, mayBreak, needsGlyph } from './characters.ts'
import type { Font } from './font.ts'

/** The fonts in the order in which they are searched for a character. The first one determines the line height. */
export type Fonts = readonly Font[]

export interface TextItem {
  text: string
  /** Height of the letters, as a fraction of the frame's height. */
  size: number
  align: Align
  /** Fractions of the frame: the position of the edge named by `align`, and the upper edge; null for the default. */
  x?: number | null | undefined
  y: number
  /** Maximum width with its background, as a fraction of the frame's width. */
  max_width?: number | null | undefined
  background?: string | null | undefined
}

export type Align = 'left' | 'center' | 'right'

/** A piece of a line in one font. */
export interface Run {
  font: Font
  text: string
  /** Without shaping, in pixels. */
  width: number
}

export interface Line {
  runs: readonly Run[]
  width: number
}

/** The layout of a text; pixels from the frame's upper left corner. */
export interface Block {
  lines: readonly Line[]
  align: Align
  /** One em. */
  fontSize: number
  /** Distance between the letters and the edge of the background. */
  padding: number
  /** Where lines begin, are centred, or end, by `align`. */
  x: number
  /** The upper edge of the first line, the distance from there to its baseline, and the distance between lines. */
  y: number
  ascent: number
  pitch: number
}

/** The fraction of a text's width to the left of its position, by `align`. */
export const SHARE = { left: 0, center: 0.5, right: 1 }

const USUAL_X = { left: 0.05, center: 0.5, right: 0.95 }

/** The default position for an `align`. */
export const usualX = (align: Align): number => USUAL_X[align]

/** Characters that no font contains. */
export function missingFrom(text: string, fonts: Fonts): string[] {
  const lacks = (char: string) => needsGlyph(char) && !fonts.some((font) => font.has(codeOf(char)))
  return [...new Set(composed(text))].filter((char) => char !== '\n' && lacks(char))
}

/** Lays out an item in a frame of this size. */
export function layOut(item: TextItem, frame: { width: number; height: number }, fonts: Fonts): Block {
  const fontSize = Math.max(1, Math.round(item.size * frame.height))
  const padding = item.background == null ? 0 : Math.round(fontSize / 4)
  const at = Math.round((item.x ?? usualX(item.align)) * frame.width)
  const [left, right] = [at, frame.width - at]
  const free = { left: right, center: 2 * Math.min(left, right), right: left }[item.align]
  const most = item.max_width == null ? free : Math.min(free, Math.round(item.max_width * frame.width))
  const room = (most - 2 * padding) / fontSize
  const lines = item.text.split('\n').flatMap((line) => wrapped(measured(line, fonts), room))
  const { ascent = 1, descent = 0 } = fonts[0] ?? {}
  const pitch = (ascent + descent) * fontSize
  const highest = frame.height - Math.round(lines.length * pitch + 2 * padding)
  return {
    lines: lines.map((line) => lineOf(line, fontSize, fonts)),
    align: item.align,
    fontSize,
    padding,
    x: at + { left: padding, center: 0, right: -padding }[item.align],
    // A text that would exceed the frame's lower edge is moved up as far as possible.
    y: Math.max(0, Math.min(Math.round(item.y * frame.height), highest)) + padding,
    ascent: ascent * fontSize,
    pitch,
  }
}

/** An unbreakable piece, and its advance width in em. */
interface Cluster {
  text: string
  advance: number
}

function measured(line: string, fonts: Fonts): Cluster[] {
  return clustersOf(line).map((text) => ({
    text,
    advance: besides(text)
      .map((char) => fontFor(char, text, fonts).advance(codeOf(char)))
      .reduce((sum, advance) => sum + advance, 0),
  }))
}

/** Breaks into lines of at most `room` em, with at least one cluster each. Trailing spaces have no width. */
function wrapped(clusters: readonly Cluster[], room: number): Cluster[][] {
  const lines: Cluster[][] = [[]]
  for (const piece of piecesOf(clusters)) {
    const line = lines.at(-1) ?? []
    if (fits([...line, ...piece], room)) line.push(...piece)
    else if (fits(piece, room)) lines.push([...piece])
    else {
      if (line.length > 0) lines.push([])
      for (const cluster of piece) {
        const last = lines.at(-1) ?? []
        if (last.length === 0 || fits([...last, cluster], room)) last.push(cluster)
        else lines.push([cluster])
      }
    }
  }
  return lines.map(withoutEnd)
}

/** Splits at every break opportunity. */
function piecesOf(clusters: readonly Cluster[]): Cluster[][] {
  const pieces: Cluster[][] = []
  clusters.forEach((cluster, index) => {
    const [before, last] = [clusters[index - 2]?.text ?? '', clusters[index - 1]?.text ?? '']
    if (index === 0 || mayBreak(before, last, cluster.text)) pieces.push([cluster])
    else pieces.at(-1)?.push(cluster)
  })
  return pieces
}

function fits(clusters: readonly Cluster[], room: number): boolean {
  return withoutEnd(clusters).reduce((sum, { advance }) => sum + advance, 0) <= room
}

function withoutEnd(clusters: readonly Cluster[]): Cluster[] {
  return clusters.slice(0, clusters.findLastIndex(({ text }) => !isSpace(text)) + 1)
}

function lineOf(clusters: readonly Cluster[], fontSize: number, fonts: Fonts): Line {
  const runs: Run[] = []
  for (const { text, advance } of clusters) {
    for (const char of [...text].filter(isDrawn)) {
      const last = runs.at(-1)
      const font = needsGlyph(char) ? fontFor(char, text, fonts) : (last?.font ?? fontFor(' ', ' ', fonts))
      if (last?.font === font) last.text += char
      else runs.push({ font, text: char, width: 0 })
    }
    const last = runs.at(-1)
    if (last !== undefined) last.width += advance * fontSize
  }
  return { runs, width: runs.reduce((sum, { width }) => sum + width, 0) }
}

/** The first font that has the whole cluster, so that it can be combined; else the first that has the character. */
function fontFor(char: string, cluster: string, fonts: Fonts): Font {
  const needed = [...cluster].filter(needsGlyph).map(codeOf)
  const found =
    fonts.find((font) => needed.every((code) => font.has(code))) ??
    fonts.find((font) => font.has(codeOf(char))) ??
    fonts[0]
  if (found === undefined) throw new Error('There is no font.')
  return found
}

const codeOf = (char: string): number => char.codePointAt(0) ?? 0
