/** Initial values of a form, where the schema's own defaults would show nothing. */
import type { Json, JsonObject } from '../../../client/index.ts'
import { isObject, propertiesOf, startOf } from '../form/schema.ts'

const TEXT = { type: 'text', text: 'Made with Exportal', x: 0.05, y: 0.8, size: 0.08, background: '#101820' }

const SUGGESTED = new Map<string, JsonObject>([
  ['overlay', { items: [TEXT] }],
  ['crop', { aspect_ratio: '9:16' }],
  ['trim', { start_seconds: 0 }],
])

/** Initial params of a type. */
export function firstParams(type: string, schema: JsonObject): JsonObject {
  const suggested = SUGGESTED.get(type)
  if (suggested) return structuredClone(suggested)
  const start = startOf(schema)
  return isObject(start) ? start : {}
}

/** Like `startOf`, for another variant of the same type, without empty texts. */
export function firstShape(type: string): (schema: JsonObject) => Json {
  return (schema) => {
    const start = startOf(schema)
    if (!isObject(start)) return start
    const known = SUGGESTED.get(type) ?? {}
    const names = propertiesOf(schema).map(([name]) => name)
    const own = Object.entries(known).filter(([name]) => names.includes(name))
    return { ...start, ...Object.fromEntries(own) }
  }
}
