import { useContext, useRef, useState } from 'preact/hooks'
import type { Json, JsonObject } from '../../../client/index.ts'
import { labelOf } from '../format.ts'
import { Icon } from '../ui/icon.tsx'
import { errorsAt, FormContext } from './context.ts'
import { ParamsForm, variantLabel } from './params-form.tsx'
import { isObject, numberIn, startOf, variantOf, variantsOf } from './schema.ts'

interface ItemsProps {
  name: string
  schema: JsonObject
  value: Json[]
  pointer: string
  onChange: (value: Json[]) => void
}

/** A list of objects, each of one of the shapes that the schema knows; one can be open at a time. */
export function ItemsField({ name, schema, value, pointer, onChange }: ItemsProps) {
  const { errors } = useContext(FormContext)
  const [open, setOpen] = useState(value.length - 1)
  const item = isObject(schema.items) ? schema.items : {}
  const variants = variantsOf(item)
  const shapes = variants.length > 0 ? variants : [item]
  const full = value.length >= (numberIn(schema, 'maxItems') ?? Number.POSITIVE_INFINITY)
  const { label } = labelOf(name)
  const list = useRef<HTMLOListElement>(null)

  const add = (shape: JsonObject) => {
    onChange([...value, startOf(shape)])
    setOpen(value.length)
  }
  const move = (from: number, to: number) => {
    const next = [...value]
    next.splice(to, 0, ...next.splice(from, 1))
    onChange(next)
    setOpen(to)
  }
  const remove = (index: number) => {
    onChange(value.toSpliced(index, 1))
    // The button that has the focus goes: it stays in the list, at what is next to it.
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
          const wrong = errors.some((error) => error.pointer.startsWith(`${pointer}/${index}/`))
          return (
            <li key={index} class="item">
              <div class="item-head">
                <button
                  type="button"
                  class="item-title"
                  aria-expanded={index === open}
                  onClick={() => setOpen(index === open ? -1 : index)}
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
              {index === open && (
                <ParamsForm
                  schema={shape}
                  value={isObject(each) ? each : {}}
                  pointer={`${pointer}/${index}`}
                  onChange={(next) => onChange(value.with(index, next))}
                />
              )}
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

/** What tells one item from the next when it is closed. */
function gist(item: Json): string {
  if (!isObject(item)) return String(item)
  const { text, image_key: key } = item
  if (typeof text === 'string') return text
  return typeof key === 'string' ? (key.split('/').at(-1) ?? '') : ''
}
