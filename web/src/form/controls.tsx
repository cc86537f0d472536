/** The controls of fields, one for each kind of schema. */
import { useContext, useState } from 'preact/hooks'
import type { Json } from '../../../client/index.ts'
import { labelOf } from '../format.ts'
import { FormContext } from './context.ts'
import type { ControlProps } from './leaf.tsx'
import { enumOf, numberIn, typeOf } from './schema.ts'

function attributes({ id, describedBy, invalid, required }: ControlProps) {
  return { id, required, 'aria-describedby': describedBy, 'aria-invalid': invalid || undefined }
}

function numberFrom(text: string): number | undefined {
  const value = Number(text)
  return text.trim() === '' || Number.isNaN(value) ? undefined : value
}

/**
 * The text of a number field: as it was typed while it means the value, so that `1.0` can become `1.05`. Otherwise
 * Preact would replace it by the shortest form of its number at every key.
 */
function useNumberText(value: Json | undefined): [string, (text: string) => void] {
  const [text, setText] = useState('')
  const given = typeof value === 'number' ? value : undefined
  return [numberFrom(text) === given ? text : String(given ?? ''), setText]
}

export function EnumControl(props: ControlProps) {
  const { schema, value, onChange } = props
  const standard = typeof schema.default === 'string' ? schema.default : ''
  return (
    <select
      {...attributes(props)}
      value={typeof value === 'string' ? value : standard}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      {!standard && <option value="">As it is</option>}
      {enumOf(schema).map((each) => (
        <option key={each}>{each}</option>
      ))}
    </select>
  )
}

export function BooleanControl(props: ControlProps) {
  const { schema, value, onChange } = props
  return (
    <input
      {...attributes(props)}
      type="checkbox"
      checked={(value ?? schema.default) === true}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  )
}

export function NumberControl(props: ControlProps) {
  const { schema, value, onChange } = props
  const standard = numberIn(schema, 'default')
  const [text, setText] = useNumberText(value)
  return (
    <input
      {...attributes(props)}
      type="number"
      inputMode="decimal"
      min={numberIn(schema, 'minimum')}
      max={numberIn(schema, 'maximum')}
      step={numberIn(schema, 'multipleOf') ?? (typeOf(schema) === 'integer' ? 1 : 'any')}
      placeholder={standard === undefined ? 'as it is' : String(standard)}
      value={text}
      onInput={(event) => {
        setText(event.currentTarget.value)
        onChange(numberFrom(event.currentTarget.value))
      }}
    />
  )
}

export function ShareControl(props: ControlProps) {
  const { schema, value, onChange, name } = props
  const current = typeof value === 'number' ? value : (numberIn(schema, 'default') ?? 0)
  const percent = `${Math.round(current * 1000) / 10} %`
  return (
    <div class="share-control">
      <input
        {...attributes(props)}
        type="range"
        min={numberIn(schema, 'minimum') ?? 0.01}
        max="1"
        step="0.01"
        value={current}
        aria-valuetext={`${labelOf(name).label} ${percent}`}
        onInput={(event) => onChange(numberFrom(event.currentTarget.value))}
      />
      <output for={props.id}>{percent}</output>
    </div>
  )
}

export function SecondsControl(props: ControlProps) {
  const { schema, value, onChange, name } = props
  const { position, durationSeconds } = useContext(FormContext)
  const [text, setText] = useNumberText(value)
  const standard = numberIn(schema, 'default')
  const here = () => {
    const at = position()
    if (at !== null) onChange(Math.round(at * 100) / 100)
  }
  return (
    <div class="seconds-control">
      <input
        {...attributes(props)}
        type="number"
        inputMode="decimal"
        min="0"
        max={durationSeconds ?? undefined}
        step="any"
        placeholder={standard === undefined ? 'to the end' : String(standard)}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value)
          onChange(numberFrom(event.currentTarget.value))
        }}
      />
      {durationSeconds !== null && (
        <button type="button" class="quiet" onClick={here} title="Take the position of the preview">
          <span>Here</span>
          <span class="visually-hidden"> for {labelOf(name).label}</span>
        </button>
      )}
    </div>
  )
}

export function ColourControl(props: ControlProps) {
  const { schema, value, onChange, name } = props
  const standard = typeof schema.default === 'string' ? schema.default : null
  const current = typeof value === 'string' ? value : standard
  return (
    <div class="colour-control">
      <input
        {...attributes(props)}
        type="color"
        value={current ?? '#000000'}
        data-unset={current === null}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      <span class="muted small">{current ?? 'none'}</span>
      {standard === null && current !== null && (
        <button type="button" class="bare small" onClick={() => onChange(undefined)}>
          None<span class="visually-hidden"> for {labelOf(name).label}</span>
        </button>
      )}
    </div>
  )
}

export function TextControl(props: ControlProps) {
  const { schema, value, onChange } = props
  return (
    <input
      {...attributes(props)}
      type="text"
      maxLength={numberIn(schema, 'maxLength')}
      value={typeof value === 'string' ? value : ''}
      onInput={(event) => onChange(event.currentTarget.value || undefined)}
    />
  )
}

export function LongTextControl(props: ControlProps) {
  const { schema, value, onChange, required } = props
  return (
    <textarea
      {...attributes(props)}
      rows={2}
      maxLength={numberIn(schema, 'maxLength')}
      value={typeof value === 'string' ? value : ''}
      onInput={(event) => onChange(event.currentTarget.value || (required ? '' : undefined))}
    />
  )
}
