import { useContext, useState } from 'preact/hooks'
import type { Json, JsonObject } from '../../../client/index.ts'
import { layOut } from '../../../runpod-local/worker/text/layout.ts'
import { FormContext } from '../form/context.ts'
import { isObject } from '../form/schema.ts'
import { storedUrl } from '../upload/local-files.ts'
import { useLastingUrl } from '../video/use-lasting-url.ts'
import { Draggable, type Lines } from './draggable.tsx'
import { useFonts } from './fonts.ts'
import { clamp, type FrameSize, isSeen, numberOf, rounded } from './geometry.ts'
import { placeOf, TextLines, textOf } from './text-item.tsx'

interface LayerProps {
  params: JsonObject
  frame: FrameSize
  /** The position of the video. */
  seconds: number
  onChange: (params: JsonObject) => void
}

/** The items of an overlay, positioned as in the result. */
export function OverlayLayer({ params, frame, seconds, onChange }: LayerProps) {
  const { selected, select } = useContext(FormContext)
  const [lines, setLines] = useState<Lines>({ x: null, y: null })
  const items: Json[] = Array.isArray(params.items) ? params.items : []
  return (
    <>
      {items.map((item, index) => {
        if (!isObject(item)) return null
        const pointer = itemPointer(index)
        const change = (to: JsonObject) =>
          onChange({ ...params, items: items.with(index, { ...item, ...to }) })
        const isNow = isSeen(item, seconds)
        const shown = {
          label: labelFor(item, index),
          class: `overlay-item ${isNow ? '' : 'unseen'}`,
          opacity: numberOf(item, 'opacity', 1) * (isNow ? 1 : 0.3),
          isSelected: selected === pointer,
          onMove: (x: number, y: number) =>
            change({ x: rounded(clamp(x, 0, 1)), y: rounded(clamp(y, 0, 1)) }),
          onTake: () => select(pointer),
          onRemove: () => {
            onChange({ ...params, items: items.toSpliced(index, 1) })
            select(null)
            document.querySelector<HTMLElement>('.stage')?.focus()
          },
          snaps: setLines,
        }
        const Item = item.type === 'image' ? ImageItem : TextItem
        return <Item key={index} item={item} frame={frame} change={change} {...shown} />
      })}
      {lines.x !== null && <span class="snap-line" style={{ left: `${lines.x * 100}%`, width: '1px' }} />}
      {lines.y !== null && <span class="snap-line" style={{ top: `${lines.y * 100}%`, height: '1px' }} />}
    </>
  )
}

/** JSON pointer of an item in the request. */
export function itemPointer(index: number): string {
  return `/params/items/${index}`
}

interface ItemProps {
  item: JsonObject
  frame: FrameSize
  label: string
  class: string
  opacity: number
  isSelected: boolean
  change: (to: JsonObject) => void
  onMove: (x: number, y: number) => void
  onTake: () => void
  onRemove: () => void
  snaps: (lines: Lines) => void
}

export function labelFor(item: JsonObject, index: number): string {
  return typeof item.text === 'string' && item.text ? `Text “${item.text}”` : `Item ${index + 1}`
}

function TextItem({ item, frame, opacity, isSelected, change, ...shown }: ItemProps) {
  const laidOut = textOf(item)
  const loaded = useFonts(laidOut.text)
  if (loaded.fonts.length === 0) return null
  const block = layOut(laidOut, frame, loaded.fonts)
  const { x = 0, y, text, size } = laidOut
  // Within the event, so that no first letter is lost: the field of the item was opened when it was selected.
  const type = () => {
    const field = document.querySelector<HTMLTextAreaElement>('.item textarea')
    field?.focus()
    field?.select()
  }
  const bottom = y + (block.pitch * block.lines.length + block.padding) / frame.height
  return (
    <div class="overlay-place" style={placeOf(block, frame)} data-selected={isSelected}>
      <Draggable {...shown} x={x ?? 0} y={y} style={{ opacity }} onType={type}>
        <TextLines item={item} text={text} block={block} frame={frame} loaded={loaded} />
      </Draggable>
      {isSelected && (
        <Draggable
          label="Size of the text"
          class="handle"
          x={0}
          y={bottom}
          onMove={(_, to) =>
            change({ size: rounded(clamp((size * (to - y)) / Math.max(0.001, bottom - y), 0.01, 1)) })
          }
        />
      )}
    </div>
  )
}

function ImageItem({ item, frame: _, opacity, isSelected, change, ...shown }: ItemProps) {
  const [x, y, width] = [numberOf(item, 'x', 0.05), numberOf(item, 'y', 0.05), numberOf(item, 'width', 0.25)]
  return (
    <div class="overlay-place" style={{ left: `${x * 100}%`, top: `${y * 100}%` }} data-selected={isSelected}>
      <Draggable {...shown} x={x} y={y} style={{ opacity }}>
        <Picture item={item} />
      </Draggable>
      {isSelected && (
        <Draggable
          label="Width of the image"
          class="handle"
          x={x + width}
          y={0}
          onMove={(to) => change({ width: rounded(clamp(to - x, 0.01, 1)) })}
        />
      )}
    </div>
  )
}

function Picture({ item }: { item: JsonObject }) {
  const { image_key: key } = item
  const isChosen = typeof key === 'string' && key !== ''
  const { url, failed, loaded } = useLastingUrl(() => (isChosen ? storedUrl(key) : null))
  const width = `${numberOf(item, 'width', 0.25) * 100}cqw`
  if (!url) {
    return (
      <span class="overlay-placeholder" style={{ width }}>
        {isChosen ? 'The image cannot be shown' : 'Choose an image'}
      </span>
    )
  }
  return (
    <img src={url} alt="" draggable={false} style={{ width }} onError={() => void failed()} onLoad={loaded} />
  )
}
