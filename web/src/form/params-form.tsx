/** A form that is generated from the JSON Schema of a type's params: new types and fields need no code here. */
import type { ComponentChildren } from 'preact'
import type { Json, JsonObject } from '../../../client/index.ts'
import { labelOf } from '../format.ts'
import { ItemsField } from './items-field.tsx'
import { Leaf } from './leaf.tsx'
import { isObject, ownValue, propertiesOf, startOf, typeOf, variantOf, variantsOf } from './schema.ts'
import { variantLabel } from './variant-label.ts'

interface ObjectProps {
  schema: JsonObject
  value: JsonObject
  /** JSON pointer of the value in the request. */
  pointer: string
  onChange: (value: JsonObject) => void
  /** The initial value of a newly selected variant, when the form has a better one than the schema. */
  start?: (schema: JsonObject) => Json
  /** Replaces the selector of variants. */
  shapes?: ComponentChildren
}

/** The fields of an object, and the selector of its variants if there are several. */
export function ParamsForm({ schema, value, pointer, onChange, start = startOf, shapes }: ObjectProps) {
  const variants = variantsOf(schema)
  if (variants.length === 0) {
    return <Fields schema={schema} value={value} pointer={pointer} onChange={onChange} />
  }
  const chosen = variantOf(variants, value)
  const own = variants[chosen] ?? {}
  const choose = (variant: JsonObject) => {
    const shared = 'output' in value ? { output: value.output ?? {} } : {}
    const next = start(variant)
    onChange({ ...(isObject(next) ? next : {}), ...shared })
  }
  return (
    <>
      {shapes ?? (
        <fieldset class="segments">
          <legend>Shape</legend>
          {variants.map((variant, index) => (
            <label key={variantLabel(variants, variant)}>
              <input
                type="radio"
                name={`${pointer}-shape`}
                checked={index === chosen}
                onChange={() => choose(variant)}
              />
              <span>{variantLabel(variants, variant)}</span>
            </label>
          ))}
        </fieldset>
      )}
      <Fields schema={own} value={value} pointer={pointer} onChange={onChange} />
    </>
  )
}

function Fields({ schema, value, pointer, onChange }: Omit<ObjectProps, 'start' | 'shapes'>) {
  const set = (name: string, next: Json | undefined) => {
    const { [name]: _, ...rest } = value
    // An absent field gets its default from the service.
    onChange(next === undefined ? rest : { ...value, [name]: next })
  }
  const properties = propertiesOf(schema).filter(([, each]) => !('const' in each))
  const simple = properties.filter(([, each]) => !['object', 'array', 'unknown'].includes(typeOf(each)))
  const nested = properties.filter(([, each]) => !simple.some(([, other]) => other === each))
  return (
    <>
      {simple.length > 0 && (
        <div class="fields">
          {simple.map(([name, each]) => (
            <Leaf
              key={name}
              name={name}
              schema={each}
              value={ownValue(value, name)}
              pointer={`${pointer}/${name}`}
              required={Array.isArray(schema.required) && schema.required.includes(name)}
              onChange={(next) => set(name, next)}
            />
          ))}
        </div>
      )}
      {nested.map(([name, each]) => (
        <Nested
          key={name}
          name={name}
          schema={each}
          value={ownValue(value, name)}
          pointer={`${pointer}/${name}`}
          onChange={(next) => set(name, next)}
        />
      ))}
    </>
  )
}

interface NestedProps {
  name: string
  schema: JsonObject
  value: Json | undefined
  pointer: string
  onChange: (value: Json | undefined) => void
}

function Nested({ name, schema, value, pointer, onChange }: NestedProps) {
  if (typeOf(schema) === 'array') {
    return (
      <ItemsField
        name={name}
        schema={schema}
        value={Array.isArray(value) ? value : []}
        pointer={pointer}
        onChange={onChange}
        itemForm={(item) => <ParamsForm {...item} />}
      />
    )
  }
  const own = isObject(value) ? value : {}
  const said = Object.entries(own).map(([key, each]) => `${labelOf(key).label.toLowerCase()} ${String(each)}`)
  return (
    <details class="group">
      <summary>
        {labelOf(name).label} <span class="muted small">{said.join(', ') || 'unchanged'}</span>
      </summary>
      <ParamsForm
        schema={schema}
        value={own}
        pointer={pointer}
        onChange={(next) => onChange(Object.keys(next).length > 0 ? next : undefined)}
      />
    </details>
  )
}
