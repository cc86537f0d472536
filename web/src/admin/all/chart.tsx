import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'

export interface Line {
  label: string
  /** A colour of tokens.css. */
  colour: '--ok' | '--bad' | '--muted'
  values: number[]
}

interface ChartProps {
  title: string
  /** Seconds since 1970. */
  times: number[]
  lines: Line[]
}

const HEIGHT = 150

/** Stepped lines over time. Hidden from screen readers, since the text beside it contains the same figures. */
export function Chart({ title, times, lines }: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const element = place.current
    if (!element) return
    const plot = new uPlot(optionsOf(element, lines), [times, ...lines.map(({ values }) => values)], element)
    const watch = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }))
    watch.observe(element)
    return () => {
      watch.disconnect()
      plot.destroy()
    }
  }, [times, lines])
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div ref={place} aria-hidden="true" />
    </figure>
  )
}

function optionsOf(element: HTMLElement, lines: readonly Line[]): uPlot.Options {
  const style = getComputedStyle(element)
  const colour = (name: string) => style.getPropertyValue(name)
  const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line') }, ticks: { show: false } }
  const paths = uPlot.paths.stepped?.({ align: 1 })
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    axes: [axis, { ...axis, size: 36, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] }],
    scales: { y: { range: (_, __, most) => [0, Math.max(1, most)] } },
    series: [
      {},
      ...lines.map(({ label, colour: name }) => ({
        label,
        stroke: colour(name),
        width: 1.5,
        ...(paths && { paths }),
      })),
    ],
  }
}
