import { createContext } from 'preact'
import type { FieldError } from '../../../client/index.ts'

/** What fields use of the page around them. */
export interface FormContext {
  /** Refusals of the service, by JSON pointer into the request. */
  errors: readonly FieldError[]
  /** The preview's position in seconds; null without a video. */
  position: () => number | null
  durationSeconds: number | null
  /** JSON pointer of the item that is open in the form and marked in the preview. */
  selected: string | null
  select: (pointer: string | null) => void
  /** Stores an image and sets its key at this JSON pointer, or where that has moved meanwhile. */
  setImage: (pointer: string, file: File) => Promise<void>
}

export const FormContext = createContext<FormContext>({
  errors: [],
  position: () => null,
  durationSeconds: null,
  selected: null,
  select: () => {},
  setImage: () => Promise.reject(new Error('Images cannot be uploaded here.')),
})

/** Refusals of the field itself, without those of fields inside it. */
export function errorsAt(errors: readonly FieldError[], pointer: string): string[] {
  return errors.flatMap((error) => (error.pointer === pointer ? [error.detail] : []))
}
