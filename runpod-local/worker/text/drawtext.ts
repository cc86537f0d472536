/** Draws a laid-out text by ffmpeg's `drawtext`, for builds without libass: only text without shaping. */
import { type Block, type Fonts, SHARE } from './layout.ts'
import { FONTS_DIR, type TextFile } from './typesetter.ts'

/** One filter per run. With `expansion=none` its file is taken literally. */
export function lettersByDrawtext(block: Block, colour: string, number: number, fonts: Fonts) {
  const files: TextFile[] = []
  const filters: string[] = []
  block.lines.forEach((line, index) => {
    const baseline = Math.round(block.y + index * block.pitch + block.ascent)
    let x = block.x - SHARE[block.align] * line.width
    for (const { font, text, width } of line.runs) {
      const name = `text-${number}-${files.length}.txt`
      files.push({ name, text })
      const settings = [
        `fontfile=${FONTS_DIR}/${fonts.indexOf(font)}`,
        `textfile=${name}`,
        'expansion=none',
        `fontsize=${block.fontSize}`,
        `fontcolor=${colour}`,
        `x=${Math.round(x)}`,
        `y=${baseline}-ascent`,
      ]
      filters.push(`drawtext=${settings.join(':')}`)
      x += width
    }
  })
  return { files, filters }
}

/** The width of the widest line, in pixels. */
export function widestOf(block: Block): number {
  return Math.max(...block.lines.map(({ width }) => width))
}
