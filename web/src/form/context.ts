import { createContext } from 'preact'
import type { FieldError } from '../../../client/index.ts'

/** What fields need to know of the page around them. */
export interface FormContext {
  /** Refusals of the service, by JSON pointer into the request. */
  errors: readonly FieldError[]
  /** Where the preview stands, in seconds; null without a video. */
  position: () => number | null
  durationSeconds: number | null
  /** Stores an image and answers its key. */
  uploadImage: (file: File) => Promise<string>
}

export const FormContext = createContext<FormContext>({
  errors: [],
  position: () => null,
  durationSeconds: null,
  uploadImage: () => Promise.reject(new Error('Images cannot be uploaded here.')),
})

/** Refusals of one field alone, not of what is inside it. */
export function errorsAt(errors: readonly FieldError[], pointer: string): string[] {
  return errors.flatMap((error) => (error.pointer === pointer ? [error.detail] : []))
}
