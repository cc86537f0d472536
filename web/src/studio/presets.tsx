/** Presets that fill several fields at once. */
import type { JsonObject } from '../../../client/index.ts'
import { isObject } from '../form/schema.ts'
import { cropArea, rounded } from '../preview/geometry.ts'
import type { Frame } from './outcome.ts'

interface PresetsProps {
  params: JsonObject
  onChange: (params: JsonObject) => void
}

const RATIOS = ['16:9', '1:1', '9:16', '4:5']

/** Aspect ratios of a crop; `Free` starts with the previous area. */
export function CropPresets({ params, onChange, frame }: PresetsProps & { frame: Frame | null }) {
  const { aspect_ratio: ratio, focus_x, focus_y, output } = params
  const shared = output === undefined ? {} : { output }
  const free = () => {
    const { x, y, width, height } = cropArea(params, frame ? frame.width / frame.height : 16 / 9)
    const area = { x: rounded(x), y: rounded(y), width: rounded(width), height: rounded(height) }
    onChange({ ...area, ...shared })
  }
  const focus = typeof ratio === 'string' && focus_x !== undefined ? { focus_x, focus_y: focus_y ?? 0.5 } : {}
  return (
    <Choice
      legend="Shape"
      options={[...RATIOS, 'Free']}
      chosen={typeof ratio === 'string' ? ratio : 'Free'}
      choose={(name) => (name === 'Free' ? free() : onChange({ aspect_ratio: name, ...focus, ...shared }))}
    />
  )
}

/** By height, so that the aspect ratio stays. */
const HEIGHTS = new Map([
  ['As it is', undefined],
  ['1080p', 1080],
  ['720p', 720],
  ['480p', 480],
])

export function OutputPresets({ params, onChange }: PresetsProps) {
  const { output: given, ...others } = params
  const { width, height, ...rest } = isObject(given) ? given : {}
  const chosen = [...HEIGHTS].find(([, each]) => width === undefined && each === height)?.[0] ?? ''
  const choose = (name: string) => {
    const next = HEIGHTS.get(name)
    const output = next === undefined ? rest : { ...rest, height: next }
    onChange(Object.keys(output).length > 0 ? { ...others, output } : others)
  }
  return <Choice legend="Size" options={[...HEIGHTS.keys()]} chosen={chosen} choose={choose} />
}

interface ChoiceProps {
  legend: string
  options: string[]
  chosen: string
  choose: (name: string) => void
}

function Choice({ legend, options, chosen, choose }: ChoiceProps) {
  return (
    <fieldset class="segments">
      <legend>{legend}</legend>
      {options.map((name) => (
        <label key={name}>
          <input type="radio" name={legend} checked={name === chosen} onChange={() => choose(name)} />
          <span>{name}</span>
        </label>
      ))}
    </fieldset>
  )
}
