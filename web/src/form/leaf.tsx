import { useContext, useId } from 'preact/hooks'
import type { Json, JsonObject } from '../../../client/index.ts'
import { labelOf } from '../format.ts'
import { errorsAt, FormContext } from './context.ts'
import {
  BooleanControl,
  ColourControl,
  EnumControl,
  LongTextControl,
  NumberControl,
  SecondsControl,
  ShareControl,
  TextControl,
} from './controls.tsx'
import { ImageField } from './image-field.tsx'
import { enumOf, numberIn, typeOf } from './schema.ts'

export interface LeafProps {
  name: string
  schema: JsonObject
  value: Json | undefined
  pointer: string
  required: boolean
  onChange: (value: Json | undefined) => void
}

/** Properties of every control. */
export interface ControlProps extends LeafProps {
  id: string
  describedBy: string | undefined
  invalid: boolean
}

/** One field: its label, the control for its schema, and the service's errors about it. */
export function Leaf(props: LeafProps) {
  const { name, schema, pointer } = props
  const { errors } = useContext(FormContext)
  const id = useId()
  const said = errorsAt(errors, pointer)
  const { label, unit } = labelOf(name)
  const Control = controlFor(name, schema)
  const wide = Control === TextControl || Control === LongTextControl || Control === ImageField
  return (
    <div class="field" data-wide={wide}>
      <label for={id}>
        {label} {unit && <span class="muted">({unit})</span>}
      </label>
      <Control
        {...props}
        id={id}
        invalid={said.length > 0}
        describedBy={said.length > 0 ? `${id}-error` : undefined}
      />
      {said.length > 0 && (
        <p class="field-error" id={`${id}-error`}>
          {said.join(' ')}
        </p>
      )}
    </div>
  )
}

function controlFor(name: string, schema: JsonObject) {
  if (enumOf(schema).length > 0) return EnumControl
  switch (typeOf(schema)) {
    case 'boolean':
      return BooleanControl
    case 'integer':
    case 'number':
      if (name.endsWith('_seconds')) return SecondsControl
      return isShare(schema) ? ShareControl : NumberControl
    default:
      // The key of a stored file is not typed by hand.
      if (name.endsWith('_key')) return ImageField
      if (schema.pattern === '^#[0-9a-fA-F]{6}$') return ColourControl
      return (numberIn(schema, 'maxLength') ?? 0) >= 200 ? LongTextControl : TextControl
  }
}

/** Whether the value is a fraction, which is best set by a slider. */
function isShare(schema: JsonObject): boolean {
  const least = numberIn(schema, 'minimum') ?? numberIn(schema, 'exclusiveMinimum') ?? -1
  return schema.maximum === 1 && least >= 0
}
