import type { JsonObject } from '../../../client/index.ts'
import { labelOf } from '../format.ts'
import { discriminatorOf, propertiesOf } from './schema.ts'

/** The label of a variant: its title, its constant, or else its distinguishing fields. */
export function variantLabel(variants: JsonObject[], variant: JsonObject): string {
  if (typeof variant.title === 'string') return variant.title
  const discriminator = discriminatorOf(variants)
  const properties = propertiesOf(variant)
  const constant = properties.find(([name]) => name === discriminator)?.[1].const
  if (typeof constant === 'string') return labelOf(constant).label
  const others = variants.filter((each) => each !== variant).flatMap((each) => propertiesOf(each))
  const required = Array.isArray(variant.required) ? variant.required : []
  const own = properties.filter(
    ([name]) => required.includes(name) && !others.some(([other]) => other === name),
  )
  return own.map(([name]) => (own.length > 1 ? name : labelOf(name).label)).join(', ') || 'Other'
}
