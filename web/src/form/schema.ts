/** Reads the part of JSON Schema that the types' params use from untyped JSON. Pure. */
import type { Json, JsonObject } from '../../../client/index.ts'

/** An object's own property under an external name, never an inherited one. */
export function ownValue<T>(object: { readonly [name: string]: T }, name: string): T | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function typeOf(schema: JsonObject): string {
  if (typeof schema.type === 'string') return schema.type
  return 'enum' in schema || 'const' in schema ? 'string' : 'unknown'
}

export function propertiesOf(schema: JsonObject): [name: string, schema: JsonObject][] {
  const { properties } = schema
  if (!isObject(properties)) return []
  return Object.entries(properties).flatMap(([name, each]) => (isObject(each) ? [[name, each]] : []))
}

export function requiredOf(schema: JsonObject): string[] {
  return strings(schema.required)
}

export function enumOf(schema: JsonObject): string[] {
  return strings(schema.enum)
}

export function numberIn(schema: JsonObject, name: string): number | undefined {
  const value = schema[name]
  return typeof value === 'number' ? value : undefined
}

/** The variants of a value, if there are several. */
export function variantsOf(schema: JsonObject): JsonObject[] {
  const several = schema.oneOf ?? schema.anyOf
  return Array.isArray(several) ? several.filter(isObject) : []
}

/** The constant field that identifies the variant, such as `type`; null when variants differ by their fields. */
export function discriminatorOf(variants: JsonObject[]): string | null {
  const constants = variants.map((variant) =>
    propertiesOf(variant).flatMap(([name, schema]) => ('const' in schema ? [name] : [])),
  )
  return constants[0]?.find((name) => constants.every((names) => names.includes(name))) ?? null
}

/** The index of the variant that a value matches. */
export function variantOf(variants: JsonObject[], value: Json | undefined): number {
  const given = isObject(value) ? value : {}
  const fits = (variant: JsonObject) =>
    propertiesOf(variant).every(
      ([name, schema]) => !('const' in schema) || schema.const === ownValue(given, name),
    ) && requiredOf(variant).every((name) => Object.hasOwn(given, name))
  return Math.max(0, variants.findIndex(fits))
}

/** An initial value with required fields only, so that defaults remain the service's. */
export function startOf(schema: JsonObject): Json {
  if ('const' in schema) return schema.const ?? null
  if ('default' in schema) return structuredClone(schema.default ?? null)
  const [first] = variantsOf(schema)
  if (first) return startOf(first)
  switch (typeOf(schema)) {
    case 'object': {
      const required = requiredOf(schema)
      const entries = propertiesOf(schema).filter(([name]) => required.includes(name))
      return Object.fromEntries(entries.map(([name, each]) => [name, startOf(each)]))
    }
    case 'array':
      return []
    case 'number':
    case 'integer':
      return numberIn(schema, 'minimum') ?? numberIn(schema, 'maximum') ?? 0
    case 'boolean':
      return false
    default:
      return enumOf(schema)[0] ?? ''
  }
}

function strings(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}
