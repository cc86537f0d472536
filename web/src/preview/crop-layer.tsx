import type { JsonObject } from '../../../client/index.ts'
import { Draggable } from './draggable.tsx'
import { clamp, cropArea, cropMoved, rounded } from './geometry.ts'

interface LayerProps {
  params: JsonObject
  ratio: number
  onChange: (params: JsonObject) => void
}

/** The smallest side that can still be gripped. */
const LEAST = 0.05

/** What a crop keeps; the rest is dimmed. Moved as a whole, and by its lower right corner made larger or smaller. */
export function CropLayer({ params, ratio, onChange }: LayerProps) {
  const area = cropArea(params, ratio)
  const share = (value: number) => `${value * 100}%`
  const resize = (x: number, y: number) => {
    onChange({
      ...params,
      width: rounded(clamp(x - area.x, LEAST, 1 - area.x)),
      height: rounded(clamp(y - area.y, LEAST, 1 - area.y)),
    })
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
      {typeof params.aspect_ratio !== 'string' && (
        <Draggable
          label="Corner of what is kept"
          x={area.x + area.width}
          y={area.y + area.height}
          onMove={resize}
          class="crop-corner"
          style={{ left: share(area.x + area.width), top: share(area.y + area.height) }}
        />
      )}
    </>
  )
}
