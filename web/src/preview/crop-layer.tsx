import type { JsonObject } from '../../../client/index.ts'
import { Draggable } from './draggable.tsx'
import { clamp, cropArea, cropMoved, rounded } from './geometry.ts'

interface LayerProps {
  params: JsonObject
  ratio: number
  onChange: (params: JsonObject) => void
}

/** The smallest side that can be dragged. */
const LEAST = 0.05

/** The area of a crop; the rest is dimmed. It can be moved as a whole, and resized at its corners. */
export function CropLayer({ params, ratio, onChange }: LayerProps) {
  const area = cropArea(params, ratio)
  const share = (value: number) => `${value * 100}%`
  const [right, bottom] = [area.x + area.width, area.y + area.height]
  /** Moves one corner, while the opposite one stays. */
  const corner = (name: string, x: number, y: number) => {
    const isLeft = x === area.x
    const isTop = y === area.y
    const resize = (toX: number, toY: number) => {
      const [left, top] = [
        isLeft ? clamp(toX, 0, right - LEAST) : area.x,
        isTop ? clamp(toY, 0, bottom - LEAST) : area.y,
      ]
      const width = isLeft ? right - left : clamp(toX - left, LEAST, 1 - left)
      const height = isTop ? bottom - top : clamp(toY - top, LEAST, 1 - top)
      const kept = { x: rounded(left), y: rounded(top), width: rounded(width), height: rounded(height) }
      onChange({ ...params, ...kept })
    }
    return (
      <Draggable
        key={name}
        label={`${name} corner of what is kept`}
        x={x}
        y={y}
        onMove={resize}
        class="crop-corner"
        style={{ left: share(x), top: share(y), cursor: isLeft === isTop ? 'nwse-resize' : 'nesw-resize' }}
      />
    )
  }
  return (
    <>
      <Draggable
        label="What is kept"
        x={area.x}
        y={area.y}
        onMove={(x, y) => onChange(cropMoved(params, area, x, y))}
        class="crop-area"
        style={{
          left: share(area.x),
          top: share(area.y),
          width: share(area.width),
          height: share(area.height),
        }}
      />
      {typeof params.aspect_ratio !== 'string' && [
        corner('Upper left', area.x, area.y),
        corner('Upper right', right, area.y),
        corner('Lower left', area.x, bottom),
        corner('Lower right', right, bottom),
      ]}
    </>
  )
}
