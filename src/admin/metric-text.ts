/**
 * Metric families as text: OpenMetrics 1.0 (github.com/OpenObservability/OpenMetrics), or its predecessor, the
 * Prometheus text format (version 0.0.4), which `promtool check metrics` and older scrapers read.
 */

export interface Family {
  /** A counter's name has no `_total`; a unit is the name's last word. */
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly unit?: 'seconds' | 'bytes'
  /** One sentence. */
  readonly help: string
  readonly samples: readonly Sample[]
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export type MetricFormat = 'openmetrics' | 'text'

export const MEDIA_TYPES: Record<MetricFormat, string> = {
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  text: 'text/plain; version=0.0.4; charset=utf-8',
}

/** OpenMetrics, unless the client accepts the older format alone. Prometheus lists both, and any other type. */
export function formatFor(accept: string | null): MetricFormat {
  const named = accept ?? ''
  return named.includes('text/plain') && !named.includes('application/openmetrics-text')
    ? 'text'
    : 'openmetrics'
}

export function metricText(families: readonly Family[], format: MetricFormat): string {
  const isOpen = format === 'openmetrics'
  const lines = families.flatMap(({ name, type, unit, help, samples }) => {
    const sampleName = type === 'counter' ? `${name}_total` : name
    // In the older format, the name of a counter's samples is also the name of its description.
    const described = isOpen ? name : sampleName
    return [
      `# TYPE ${described} ${type}`,
      ...(isOpen && unit ? [`# UNIT ${described} ${unit}`] : []),
      `# HELP ${described} ${help}`,
      ...samples.map(({ labels, value }) => `${sampleName}${labelText(labels)} ${value}`),
    ]
  })
  return `${[...lines, ...(isOpen ? ['# EOF'] : [])].join('\n')}\n`
}

function labelText(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** Label values are arbitrary text. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
