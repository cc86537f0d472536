/**
 * Parses the RunPod endpoints of the settings, by name. `RUNPOD_ENDPOINT` and `GPU_PRICE_PER_SECOND` alone define the
 * endpoint `default`.
 */
import * as v from 'valibot'
import type { Endpoint } from '../export-job/core/job.ts'
import { DEFAULT_ENDPOINT } from '../export-job/core/policy.ts'

/** An endpoint as configured in the settings. */
export interface ConfiguredEndpoint extends Endpoint {
  /** The most jobs at the endpoint at once; null for any number. */
  readonly places: number | null
}

export type Endpoints = ReadonlyMap<string, ConfiguredEndpoint>

export interface EndpointsEnv {
  RUNPOD_ENDPOINTS?: string
  RUNPOD_ENDPOINT?: string
  GPU_PRICE_PER_SECOND?: string
}

/** The name of an endpoint in the settings and in `policy.endpoint`. */
export const EndpointName = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9_-]{0,39}$/))

const Url = v.pipe(
  v.string(),
  v.url(),
  v.regex(/^https?:/),
  v.transform((url) => url.replace(/\/+$/, '')),
)
const Places = v.optional(
  v.nullable(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(100_000))),
  null,
)
const Price = v.optional(v.nullable(v.pipe(v.number(), v.minValue(0))), null)

/** Must contain `default`, the endpoint of jobs that name none. */
const Table = v.pipe(
  v.string(),
  v.parseJson(),
  v.record(EndpointName, v.strictObject({ url: Url, places: Places, price_per_second: Price })),
  v.check((table) => Object.hasOwn(table, DEFAULT_ENDPOINT)),
)

/**
 * Null for invalid `RUNPOD_ENDPOINTS`: the service then refuses to serve, rather than send jobs to another endpoint.
 */
export function endpointsOf(env: EndpointsEnv): Endpoints | null {
  if (!env.RUNPOD_ENDPOINTS) return onlyDefault(env)
  const table = v.safeParse(Table, env.RUNPOD_ENDPOINTS)
  if (!table.success) return null
  return new Map(
    Object.entries(table.output).map(([name, { url, places, price_per_second: pricePerSecond }]) => [
      name,
      { name, url, places, pricePerSecond },
    ]),
  )
}

function onlyDefault(env: EndpointsEnv): Endpoints {
  const url = env.RUNPOD_ENDPOINT?.replace(/\/+$/, '')
  if (!url) return new Map()
  const price = Number(env.GPU_PRICE_PER_SECOND)
  const pricePerSecond = env.GPU_PRICE_PER_SECOND && Number.isFinite(price) && price > 0 ? price : null
  return new Map([[DEFAULT_ENDPOINT, { name: DEFAULT_ENDPOINT, url, places: null, pricePerSecond }]])
}

/** The current price by name; null if none is set, and for an endpoint whose url has changed. */
export function pricesOf(endpoints: Endpoints) {
  return (name: string, url: string | null): number | null => {
    const today = endpoints.get(name)
    return today && (url === null || url === today.url) ? today.pricePerSecond : null
  }
}
