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

/**
 * The base to which `/run` and `/status/…` are appended, so it has no query, and none of the operations' names: RunPod's
 * console shows the address of `/run` to be copied. `fetch` refuses a URL with credentials.
 */
const Url = v.pipe(
  v.string(),
  v.trim(),
  v.url(),
  v.regex(/^https?:\/\/[^@?#\s]+$/i),
  v.transform((url) => url.replace(/(?:\/+|\/run|\/runsync)*$/, '')),
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
 * Null for invalid `RUNPOD_ENDPOINTS`, or without them for an invalid `RUNPOD_ENDPOINT`: the service then refuses to
 * serve, rather than send jobs to another endpoint, or to none that could answer.
 */
export function endpointsOf(env: EndpointsEnv): Endpoints | null {
  if (!env.RUNPOD_ENDPOINTS?.trim()) return onlyDefault(env)
  const table = v.safeParse(Table, env.RUNPOD_ENDPOINTS)
  if (!table.success) return null
  return new Map(
    Object.entries(table.output).map(([name, { url, places, price_per_second: pricePerSecond }]) => [
      name,
      { name, url, places, pricePerSecond },
    ]),
  )
}

function onlyDefault(env: EndpointsEnv): Endpoints | null {
  if (!env.RUNPOD_ENDPOINT?.trim()) return new Map()
  const url = v.safeParse(Url, env.RUNPOD_ENDPOINT)
  if (!url.success) return null
  const pricePerSecond = priceOf(env.GPU_PRICE_PER_SECOND)
  return new Map([
    [DEFAULT_ENDPOINT, { name: DEFAULT_ENDPOINT, url: url.output, places: null, pricePerSecond }],
  ])
}

/** Parses `GPU_PRICE_PER_SECOND`; null when it is unset, or not a positive number with a decimal point. */
export function priceOf(text: string | undefined): number | null {
  const price = Number(text)
  return text && Number.isFinite(price) && price > 0 ? price : null
}

/** The current price by name; null if none is set, and for an endpoint whose url has changed. */
export function pricesOf(endpoints: Endpoints) {
  return (name: string, url: string | null): number | null => {
    const today = endpoints.get(name)
    return today && (url === null || url === today.url) ? today.pricePerSecond : null
  }
}
