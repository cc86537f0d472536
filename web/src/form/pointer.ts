/** JSON pointers (RFC 6901) into params. Pure. */
import type { Json } from '../../../client/index.ts'
import { isObject, ownValue } from './schema.ts'

/** Whether a pointer leads to equal values in both; absent values are equal. */
export function isSame(one: Json, other: Json, pointer: string): boolean {
  return JSON.stringify(valueAt(one, pointer)) === JSON.stringify(valueAt(other, pointer))
}

function valueAt(json: Json, pointer: string): Json | undefined {
  let at: Json | undefined = json
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(at)) at = at[Number(name)]
    else at = isObject(at) ? ownValue(at, name) : undefined
  }
  return at
}
