import type { ComponentChildren, JSX } from 'preact'
import { useRef } from 'preact/hooks'

interface DraggableProps {
  label: string
  /** The point that is moved, in fractions of the frame. */
  x: number
  y: number
  onMove: (x: number, y: number) => void
  class: string
  style?: JSX.CSSProperties
  /** Called when it is grabbed, or focused by the keyboard. */
  onTake?: () => void
  onType?: () => void
  onRemove?: () => void
  /** Called when it snaps to edges and centres of the frame, of which at least a tenth stays inside. */
  snaps?: (lines: Lines) => void
  children?: ComponentChildren
}

/** The positions of the lines it snaps to, in fractions of the frame. */
export interface Lines {
  x: number | null
  y: number | null
}

/** One step of an arrow key, as a fraction of the frame; ten of them with Shift. */
const STEP = 0.01
/** Distance in pixels within which it snaps. */
const NEAR = 7
/** The fraction of it that stays in the frame. */
const INSIDE = 0.1

const WAYS = new Map([
  ['ArrowLeft', { x: -1, y: 0 }],
  ['ArrowRight', { x: 1, y: 0 }],
  ['ArrowUp', { x: 0, y: -1 }],
  ['ArrowDown', { x: 0, y: 1 }],
])

/** An object in the frame that is moved by pointer or arrow keys. */
export function Draggable(props: DraggableProps) {
  const { label, x, y, onMove, class: name, style = {}, onTake, onType, onRemove, snaps, children } = props
  const grip = useRef<{ from: PointerEvent; x: number; y: number; box: DOMRect; frame: DOMRect } | null>(null)
  const boxes = (target: HTMLElement) => {
    const frame = target.closest('.stage-layer')?.getBoundingClientRect()
    return frame && { box: target.getBoundingClientRect(), frame }
  }
  const grab = (event: PointerEvent) => {
    const { currentTarget: target } = event
    if (!(target instanceof HTMLElement) || event.button !== 0) return
    const measured = boxes(target)
    if (!measured) return
    event.stopPropagation()
    grip.current = { from: event, x, y, ...measured }
    target.setPointerCapture(event.pointerId)
    onTake?.()
  }
  const drag = (event: PointerEvent) => {
    if (!grip.current) return
    const { from, frame, box, ...at } = grip.current
    const [dx, lineX] = moved(event.clientX - from.clientX, box.left - frame.left, box.width, frame.width)
    const [dy, lineY] = moved(event.clientY - from.clientY, box.top - frame.top, box.height, frame.height)
    snaps?.({ x: lineX, y: lineY })
    onMove(at.x + dx / frame.width, at.y + dy / frame.height)
  }
  /** The permitted position, and the line it snaps to. */
  const moved = (by: number, start: number, size: number, room: number): [number, number | null] => {
    if (!snaps) return [by, null]
    const to = within(start + by, size, room)
    const rests = [
      { at: 0, line: 0 },
      { at: (room - size) / 2, line: 0.5 },
      { at: room - size, line: 1 },
    ]
    const rest = rests.find(({ at }) => Math.abs(to - at) < NEAR)
    return rest ? [rest.at - start, rest.line] : [to - start, null]
  }
  const within = (to: number, size: number, room: number) =>
    Math.min(Math.max(to, -(1 - INSIDE) * size), room - INSIDE * size)
  const drop = () => {
    grip.current = null
    snaps?.({ x: null, y: null })
  }
  const press = (event: KeyboardEvent) => {
    if (onRemove && (event.key === 'Delete' || event.key === 'Backspace')) {
      event.preventDefault()
      return onRemove()
    }
    if (onType && event.key === 'Enter') {
      event.preventDefault()
      return onType()
    }
    const way = WAYS.get(event.key)
    const measured = event.currentTarget instanceof HTMLElement && boxes(event.currentTarget)
    if (!way || !measured) return
    event.preventDefault()
    const { box, frame } = measured
    const step = event.shiftKey ? STEP * 10 : STEP
    const by = (way: number, start: number, size: number, room: number) =>
      snaps ? (within(start + way * step * room, size, room) - start) / room : way * step
    onMove(
      x + by(way.x, box.left - frame.left, box.width, frame.width),
      y + by(way.y, box.top - frame.top, box.height, frame.height),
    )
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
      onFocus={onTake}
      onDblClick={onType}
    >
      {children}
    </button>
  )
}
