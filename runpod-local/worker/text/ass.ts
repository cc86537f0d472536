/**
 * Writes a laid-out text as an Advanced SubStation Alpha file for libass: every line with its position, every run with
 * its font.
 */
import type { Size } from '../output.ts'
import type { Block, Line, Run } from './layout.ts'

const FIELDS =
  'Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, ' +
  'StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding'

/** Numbers of a numeric keypad, upper row. */
const ALIGNMENT = { left: 7, center: 8, right: 9 }

/**
 * The letters in `colour` or, for `isBox`, the rectangle behind them, which fills the height of a canvas of this size.
 * Style 4 of libass draws one rectangle around all lines, at the distance of their shadow.
 */
export function assFile(block: Block, colour: string, size: Size, isBox: boolean): string {
  const bgr = `${colour.slice(5, 7)}${colour.slice(3, 5)}${colour.slice(1, 3)}`
  const colours = isBox
    ? `&HFFFFFFFF,&HFFFFFFFF,&HFFFFFFFF,&H00${bgr}`
    : `&H00${bgr},&HFF000000,&HFF000000,&HFF000000`
  // With the encoding -1 a line begins on the side of its first letter.
  const shape = `0,0,0,0,100,100,0,0,${isBox ? '4,0,1' : '1,0,0'},${ALIGNMENT[block.align]},0,0,0,-1`
  const texts = isBox
    ? [boxOf(block, size)]
    : block.lines.flatMap((line, index) => lineOf(block, line, index))
  return [
    '[Script Info]',
    'ScriptType: v4.00+',
    `PlayResX: ${size.width}`,
    `PlayResY: ${size.height}`,
    'WrapStyle: 2',
    'ScaledBorderAndShadow: yes',
    '[V4+ Styles]',
    `Format: ${FIELDS}`,
    `Style: Default,Sans,${block.fontSize},${colours},${shape}`,
    '[Events]',
    'Format: Layer, Start, End, Style, Text',
    ...texts.map((text) => `Dialogue: 0,0:00:00.00,9:00:00.00,Default,${text}`),
    '',
  ].join('\n')
}

function boxOf(block: Block, { height }: Size): string {
  const lines = block.lines.map((line) => line.runs.map((run) => runOf(run, block)).join(''))
  return `{\\pos(${block.x},0)\\xshad${block.padding}\\yshad${2 * height}}${lines.join('\\N')}`
}

function lineOf(block: Block, line: Line, index: number): string[] {
  if (line.runs.length === 0) return []
  // libass positions a line by its tallest font; the baseline is that of the first one.
  const highest = Math.max(...line.runs.map(({ font }) => font.ascent)) * block.fontSize
  const y = block.y + index * block.pitch + block.ascent - highest
  return [`{\\pos(${block.x},${thousandths(y)})}${line.runs.map((run) => runOf(run, block)).join('')}`]
}

/** libass interprets a font's size as the height of its line, not its em. */
function runOf({ font, text }: Run, { fontSize }: Block): string {
  const size = thousandths((font.ascent + font.descent) * fontSize)
  return `{\\fn${font.family}\\fs${size}}${literal(text)}`
}

/** Escapes commands: a word joiner separates a backslash from the following character. Leading spaces are kept. */
function literal(text: string): string {
  return text
    .replace(/\\(?=[Nnh{}])/g, '\\\u2060')
    .replace(/[{}]/g, '\\$&')
    .replace(/^ +/, (spaces) => '\\h'.repeat(spaces.length))
}

const thousandths = (value: number): number => Math.round(value * 1000) / 1000
