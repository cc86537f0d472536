/** JSON pointers (RFC 6901) into params. Pure. */
import type { Json } from '../../../client/index.ts'
import { isObject, ownValue } from './schema.ts'

/** Whether a pointer leads to equal values in both; absent values are equal. */
export function isSame(one: Json, other: Json, pointer: string): boolean {
  return JSON.stringify(valueAt(one, pointer)) === JSON.stringify(valueAt(other, pointer))
}

/**
 * A copy of `current` with `value` at the place to which `pointer` leads in `base`, an earlier state of it. An element
 * of a list that has moved is found by its identity. Undefined when the place is gone.
 */
export function replacedAt(base: Json, current: Json, pointer: string, value: Json): Json | undefined {
  return replaced(base, current, partsOf(pointer), value)
}

function replaced(
  base: Json | undefined,
  current: Json | undefined,
  [name, ...rest]: string[],
  value: Json,
): Json | undefined {
  if (name === undefined) return value
  if (Array.isArray(current)) {
    if (!Array.isArray(base)) return undefined
    const before = base[Number(name)]
    const index = indexNow(base, current, Number(name))
    const next = index === null ? undefined : replaced(before, current[index], rest, value)
    return next === undefined || index === null ? undefined : current.with(index, next)
  }
  if (!isObject(current)) return undefined
  const next = replaced(
    isObject(base) ? ownValue(base, name) : undefined,
    ownValue(current, name),
    rest,
    value,
  )
  return next === undefined ? undefined : { ...current, [name]: next }
}

/** Null when it is neither there nor, changed, at its old place. */
function indexNow(base: Json[], current: Json[], index: number): number | null {
  const own = base[index]
  if (own === undefined) return null
  const moved = current.indexOf(own)
  if (moved !== -1) return moved
  const there = current[index]
  return there !== undefined && current.length === base.length && !base.includes(there) ? index : null
}

function partsOf(pointer: string): string[] {
  const parts = pointer.split('/').slice(1)
  return parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function valueAt(json: Json, pointer: string): Json | undefined {
  let at: Json | undefined = json
  for (const name of partsOf(pointer)) {
    if (Array.isArray(at)) at = at[Number(name)]
    else at = isObject(at) ? ownValue(at, name) : undefined
  }
  return at
}
