import type { JsonObject } from '../../../client/index.ts'
import {
  type Block,
  type TextItem as LaidOut,
  missingFrom,
  usualX,
} from '../../../runpod-local/worker/text/layout.ts'
import { cssName, type LoadedFonts } from './fonts.ts'
import { type FrameSize, numberOf } from './geometry.ts'

const ALIGNS = ['left', 'center', 'right'] as const
/** How far a text is moved to the left, relative to its width. */
const MOVED = { left: '0', center: '-50%', right: '-100%' }

/** An item of the params in the form that the workers lay out. */
export function textOf(item: JsonObject): LaidOut {
  const align = ALIGNS.find((each) => each === item.align) ?? 'left'
  return {
    text: typeof item.text === 'string' ? item.text : '',
    size: numberOf(item, 'size', 0.06),
    align,
    x: numberOf(item, 'x', usualX(align)),
    y: numberOf(item, 'y', 0.05),
    max_width: typeof item.max_width === 'number' ? item.max_width : null,
    background: typeof item.background === 'string' ? item.background : null,
  }
}

/** The position of a laid-out text's corner in CSS. */
export function placeOf({ align, x, y, padding }: Block, frame: FrameSize) {
  const edge = x + { left: -padding, center: 0, right: padding }[align]
  return {
    left: `${(edge / frame.width) * 100}%`,
    top: `${((y - padding) / frame.height) * 100}%`,
    translate: MOVED[align],
  }
}

interface Props {
  item: JsonObject
  text: string
  block: Block
  frame: FrameSize
  loaded: LoadedFonts
}

/** The lines of a text as the workers draw them, or the characters that no font contains. */
export function TextLines({ item, text, block, frame, loaded }: Props) {
  const missing = loaded.all ? missingFrom(text, loaded.fonts) : []
  if (missing.length > 0) {
    return <span class="overlay-placeholder">No font here has {missing.join(' ')}</span>
  }
  const em = (pixels: number) => `${pixels / block.fontSize}em`
  return (
    <span
      class="overlay-text"
      style={{
        fontSize: `${(block.fontSize / frame.height) * 100}cqh`,
        fontFamily: loaded.fonts[0] && cssName(loaded.fonts[0]),
        lineHeight: em(block.pitch),
        textAlign: block.align,
        color: typeof item.color === 'string' ? item.color : '#ffffff',
        background: typeof item.background === 'string' ? item.background : 'none',
        padding: em(block.padding),
      }}
    >
      {block.lines.map(({ runs }, line) => (
        <span key={line} class="overlay-line">
          {runs.map(({ font, text: run }, index) => (
            <span key={index} style={{ fontFamily: cssName(font) }}>
              {run}
            </span>
          ))}
          {runs.length === 0 && ' '}
        </span>
      ))}
    </span>
  )
}
