import type { Json, JsonObject } from '../../../client/index.ts'
import { isObject } from '../form/schema.ts'
import { storedUrl } from '../upload/local-files.ts'
import { Draggable } from './draggable.tsx'
import { clamp, isSeen, numberOf, rounded } from './geometry.ts'

interface LayerProps {
  params: JsonObject
  /** Where the video stands. */
  seconds: number
  onChange: (params: JsonObject) => void
}

/** So far an item may be moved that enough of it stays in the frame to be seen, and to be taken back. */
const FURTHEST = 0.97

/** The items of an overlay where the result will have them. Drawn as the worker draws, to a pixel or two. */
export function OverlayLayer({ params, seconds, onChange }: LayerProps) {
  const items: Json[] = Array.isArray(params.items) ? params.items : []
  return (
    <>
      {items.map((item, index) => {
        if (!isObject(item)) return null
        const x = numberOf(item, 'x', 0.05)
        const y = numberOf(item, 'y', 0.05)
        const move = (left: number, top: number) => {
          const moved = { ...item, x: rounded(clamp(left, 0, FURTHEST)), y: rounded(clamp(top, 0, FURTHEST)) }
          onChange({ ...params, items: items.with(index, moved) })
        }
        const seen = isSeen(item, seconds)
        return (
          <Draggable
            key={index}
            label={labelFor(item, index)}
            x={x}
            y={y}
            onMove={move}
            class={`overlay-item ${seen ? '' : 'unseen'}`}
            style={{
              left: `${x * 100}%`,
              top: `${y * 100}%`,
              opacity: numberOf(item, 'opacity', 1) * (seen ? 1 : 0.3),
            }}
          >
            {item.type === 'image' ? <ImageItem item={item} /> : <TextItem item={item} />}
          </Draggable>
        )
      })}
    </>
  )
}

function labelFor(item: JsonObject, index: number): string {
  return typeof item.text === 'string' && item.text ? `Text “${item.text}”` : `Item ${index + 1}`
}

/** Letters that reach below the line: the background then reaches below it too. */
const DESCENDS = /[gjpqyQ,;()[\]{}|_@$]/

function TextItem({ item }: { item: JsonObject }) {
  const text = typeof item.text === 'string' ? item.text : ''
  const background = typeof item.background === 'string' ? item.background : null
  return (
    <span
      class="overlay-text"
      data-descends={DESCENDS.test(text)}
      style={{
        fontSize: `${numberOf(item, 'size', 0.06) * 100}cqh`,
        color: typeof item.color === 'string' ? item.color : '#ffffff',
        background: background ?? 'none',
        padding: background ? '0.25em' : 0,
      }}
    >
      {text || ' '}
    </span>
  )
}

function ImageItem({ item }: { item: JsonObject }) {
  const url = typeof item.image_key === 'string' ? storedUrl(item.image_key) : null
  const width = `${numberOf(item, 'width', 0.25) * 100}cqw`
  if (!url) {
    return (
      <span class="overlay-placeholder" style={{ width }}>
        {item.image_key ? 'Image' : 'Choose an image'}
      </span>
    )
  }
  return <img src={url} alt="" draggable={false} style={{ width }} />
}
