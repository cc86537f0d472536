import type { ComponentChildren, JSX } from 'preact'
import { useRef } from 'preact/hooks'

interface DraggableProps {
  label: string
  /** Upper left corner, in shares of the frame. */
  x: number
  y: number
  onMove: (x: number, y: number) => void
  class: string
  style: JSX.CSSProperties
  children?: ComponentChildren
}

/** One step of an arrow key, as a share of the frame; ten of them with Shift. */
const STEP = 0.01

const WAYS = new Map([
  ['ArrowLeft', { x: -1, y: 0 }],
  ['ArrowRight', { x: 1, y: 0 }],
  ['ArrowUp', { x: 0, y: -1 }],
  ['ArrowDown', { x: 0, y: 1 }],
])

/** Something in the frame that is moved by pointer or by the arrow keys. */
export function Draggable({ label, x, y, onMove, class: name, style, children }: DraggableProps) {
  const grip = useRef<{ x: number; y: number; frame: DOMRect } | null>(null)
  const grab = (event: PointerEvent) => {
    const { currentTarget: target } = event
    if (!(target instanceof HTMLElement) || !target.offsetParent || event.button !== 0) return
    const frame = target.offsetParent.getBoundingClientRect()
    grip.current = { x: event.clientX - x * frame.width, y: event.clientY - y * frame.height, frame }
    target.setPointerCapture(event.pointerId)
  }
  const drag = (event: PointerEvent) => {
    if (!grip.current) return
    const { frame, ...from } = grip.current
    onMove((event.clientX - from.x) / frame.width, (event.clientY - from.y) / frame.height)
  }
  const drop = () => {
    grip.current = null
  }
  const press = (event: KeyboardEvent) => {
    const step = event.shiftKey ? STEP * 10 : STEP
    const way = WAYS.get(event.key)
    if (!way) return
    event.preventDefault()
    onMove(x + way.x * step, y + way.y * step)
  }
  return (
    <button
      type="button"
      class={name}
      style={style}
      aria-label={`${label}; the arrow keys move it`}
      onPointerDown={grab}
      onPointerMove={drag}
      onPointerUp={drop}
      onPointerCancel={drop}
      onKeyDown={press}
    >
      {children}
    </button>
  )
}
