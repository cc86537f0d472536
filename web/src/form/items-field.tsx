import type { ComponentChildren } from 'preact'
import { useContext, useRef } from 'preact/hooks'
import type { Json, JsonObject } from '../../../client/index.ts'
import { labelOf } from '../format.ts'
import { Icon } from '../ui/icon.tsx'
import { errorsAt, FormContext } from './context.ts'
import { isObject, numberIn, startOf, variantOf, variantsOf } from './schema.ts'
import { variantLabel } from './variant-label.ts'

interface ItemForm {
  schema: JsonObject
  value: JsonObject
  pointer: string
  onChange: (value: JsonObject) => void
}

interface ItemsProps {
  name: string
  schema: JsonObject
  value: Json[]
  pointer: string
  onChange: (value: Json[]) => void
  /** A parameter, since forms and lists contain each other and imports must not be circular. */
  itemForm: (item: ItemForm) => ComponentChildren
}

/** A list of objects, each of one of the schema's variants; at most one is open. */
export function ItemsField({ name, schema, value, pointer, onChange, itemForm }: ItemsProps) {
  const { errors, selected, select } = useContext(FormContext)
  const at = (index: number) => `${pointer}/${index}`
  const item = isObject(schema.items) ? schema.items : {}
  const variants = variantsOf(item)
  const shapes = variants.length > 0 ? variants : [item]
  const full = value.length >= (numberIn(schema, 'maxItems') ?? Number.POSITIVE_INFINITY)
  const { label } = labelOf(name)
  const list = useRef<HTMLOListElement>(null)

  const add = (shape: JsonObject) => {
    onChange([...value, startOf(shape)])
    select(at(value.length))
  }
  const move = (from: number, to: number) => {
    const next = [...value]
    next.splice(to, 0, ...next.splice(from, 1))
    onChange(next)
    select(at(to))
  }
  const remove = (index: number) => {
    onChange(value.toSpliced(index, 1))
    // The focused button is removed: the focus moves to the neighbouring item.
    list.current?.focus()
  }
  return (
    <fieldset class="items">
      <legend>{label}</legend>
      {errorsAt(errors, pointer).map((detail) => (
        <p key={detail} class="field-error">
          {detail}
        </p>
      ))}
      <ol ref={list} tabIndex={-1} aria-label={label}>
        {value.map((each, index) => {
          const shape = shapes[variantOf(shapes, each)] ?? item
          const title = variants.length > 0 ? variantLabel(variants, shape) : `${label} ${index + 1}`
          const open = selected === at(index)
          const wrong = errors.some((error) => error.pointer.startsWith(`${at(index)}/`))
          return (
            <li key={index} class="item">
              <div class="item-head">
                <button
                  type="button"
                  class="item-title"
                  aria-expanded={open}
                  onClick={() => select(open ? null : at(index))}
                >
                  <Icon name={title === 'Text' ? 'text' : title === 'Image' ? 'image' : 'plus'} />
                  <strong>{title}</strong>{' '}
                  <span class="muted ellipsis">{wrong ? 'needs a look' : gist(each)}</span>
                </button>
                <button
                  type="button"
                  class="bare"
                  aria-label={`Move ${title} ${index + 1} up`}
                  disabled={index === 0}
                  onClick={() => move(index, index - 1)}
                >
                  <Icon name="up" />
                </button>
                <button
                  type="button"
                  class="bare"
                  aria-label={`Remove ${title} ${index + 1}`}
                  onClick={() => remove(index)}
                >
                  <Icon name="cross" />
                </button>
              </div>
              {open &&
                itemForm({
                  schema: shape,
                  value: isObject(each) ? each : {},
                  pointer: at(index),
                  onChange: (next) => onChange(value.with(index, next)),
                })}
            </li>
          )
        })}
      </ol>
      <div class="buttons">
        {shapes.map((shape) => {
          const title =
            variants.length > 0 ? variantLabel(variants, shape).toLowerCase() : label.toLowerCase()
          return (
            <button key={title} type="button" class="quiet" disabled={full} onClick={() => add(shape)}>
              <Icon name="plus" /> Add {title}
            </button>
          )
        })}
      </div>
    </fieldset>
  )
}

/** A short text that distinguishes a closed item from the others. */
function gist(item: Json): string {
  if (!isObject(item)) return String(item)
  const { text, image_key: key } = item
  if (typeof text === 'string') return text
  return typeof key === 'string' ? (key.split('/').at(-1) ?? '') : ''
}
