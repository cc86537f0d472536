/** Holds the schemas of answers to the contract: the document that is made from them says what is really sent. */
import type * as v from 'valibot'

/** Names of fields that only one of the two knows, and of those that may be sent and are not described. */
type Faults<Sent, Described> =
  | Exclude<keyof Sent, keyof Described>
  | Exclude<keyof Described, keyof Sent>
  | {
      [K in keyof Sent & keyof Described]-?: Sent[K] extends Described[K] ? never : K
    }[keyof Sent & keyof Described]

/**
 * A schema that describes `Sent`, as it is. The compiler refuses it where the two know other fields, or where a field
 * may be sent that the schema does not allow; it then asks for one more argument, whose type names these fields.
 */
export function describing<Sent>() {
  return <S extends v.GenericSchema>(
    schema: S,
    ..._faults: [Faults<Sent, v.InferOutput<S>>] extends [never] ? [] : [Faults<Sent, v.InferOutput<S>>]
  ): S => schema
}
