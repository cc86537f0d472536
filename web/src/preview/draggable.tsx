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
    const moves: Record<string, [number, number]> = {
      ArrowLeft: [-step, 0],
      ArrowRight: [step, 0],
      ArrowUp: [0, -step],
      ArrowDown: [0, step],
    }
    const by = moves[event.key]
    if (!by) return
    event.preventDefault()
    onMove(x + by[0], y + by[1])
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
