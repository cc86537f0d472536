/** Compile-time checks that the schemas of requests and answers match the types of the contract. */
import type * as v from 'valibot'

type Given<T> = Exclude<T, null | undefined>
/** The keys of all members of a union. */
type Keys<T> = T extends unknown ? keyof T & string : never
/** Undefined for the members of a union that lack the key. */
type At<T, K extends string> = T extends unknown ? (K extends keyof T ? T[K] : undefined) : never
type IsOpen<T> = T extends unknown ? (string extends keyof T ? true : false) : never
type Leaf<Contract, Schema, Path extends string> = [Contract] extends [Schema]
  ? // When the schema checks text by a rule, the contract may have a narrower type.
    string extends Schema
    ? never
    : [Schema] extends [Contract]
      ? never
      : Path
  : Path

/**
 * The paths at which two types of JSON differ: a field that exists, is optional or is nullable in only one of them, or
 * whose values differ; `never` when they match. Where a schema is open (text checked by a rule, objects of arbitrary
 * fields), the contract may be more specific. The members of a union are compared together, by all of their fields.
 */
export type Differences<Contract, Schema, Path extends string = ''> =
  | (null extends Contract ? (null extends Schema ? never : Path) : null extends Schema ? Path : never)
  | (undefined extends Contract
      ? undefined extends Schema
        ? never
        : Path
      : undefined extends Schema
        ? Path
        : never)
  | Within<Given<Contract>, Given<Schema>, Path>

type Within<Contract, Schema, Path extends string> = [Contract] extends [never]
  ? [Schema] extends [never]
    ? never
    : Path
  : [Contract] extends [readonly (infer C)[]]
    ? [Schema] extends [readonly (infer S)[]]
      ? Differences<C, S, `${Path}/*`>
      : Path
    : [Schema] extends [object]
      ? true extends IsOpen<Schema>
        ? Leaf<Contract, Schema, Path> extends never
          ? never
          : [Contract] extends [object]
            ? never
            : Path
        : [Contract] extends [object]
          ? Fields<Contract, Schema, Path>
          : Path
      : Leaf<Contract, Schema, Path>

type Fields<Contract, Schema, Path extends string> = {
  [K in Keys<Contract> | Keys<Schema>]: K extends Keys<Contract> & Keys<Schema>
    ? Differences<At<Contract, K>, At<Schema, K>, `${Path}/${K}`>
    : `${Path}/${K}`
}[Keys<Contract> | Keys<Schema>]

type Held<D> = [D] extends [never] ? [] : [differences: D]

const held = new WeakSet<v.GenericSchema>()

function hold<S extends v.GenericSchema>(schema: S): S {
  held.add(schema)
  return schema
}

/**
 * A schema that describes the answer type `Sent` exactly. When they differ, the compiler requires one more argument,
 * whose type names the paths.
 */
export function describing<Sent>() {
  return <S extends v.GenericSchema>(schema: S, ..._: Held<Differences<Sent, v.InferOutput<S>>>): S =>
    hold(schema)
}

/** The same for a request: a schema that accepts `Asked`, before defaults are filled in. */
export function accepting<Asked>() {
  return <S extends v.GenericSchema>(schema: S, ..._: Held<Differences<Asked, v.InferInput<S>>>): S =>
    hold(schema)
}

/** The same for a query, whose values are parsed from text: only the names are compared. */
export function queried<Asked>() {
  return <S extends v.GenericSchema>(
    schema: S,
    ..._: Held<OneSided<keyof Asked, keyof v.InferInput<S>>>
  ): S => hold(schema)
}

type OneSided<A, B> = Exclude<A, B> | Exclude<B, A>

/** Whether a schema was checked against the contract. */
export function isHeld(schema: v.GenericSchema): boolean {
  return held.has(schema)
}
