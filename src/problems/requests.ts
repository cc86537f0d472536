/** Problems of malformed requests, independent of their subject. */
import type { ProblemEntry } from './entry.ts'

export const REQUEST_PROBLEMS = {
  validation_failed: {
    statuses: [400],
    cause: 'A field of the body, or a parameter of the address, is missing, unknown or not as it should be.',
    remedy: 'Correct every field that `errors` names by its JSON Pointer, and send the request again.',
  },
  invalid_json: {
    statuses: [400],
    cause: 'The body is not JSON, or not UTF-8 text.',
    remedy: 'Send JSON; `detail` says what is wrong with the text.',
  },
  body_too_large: {
    statuses: [413],
    cause: 'The body is larger than this address takes.',
    remedy: 'Send less; `detail` names the limit. Large files go in parts, see POST /api/videos/upload-url.',
  },
  unsupported_media_type: {
    statuses: [415],
    cause: 'The body was sent with another Content-Type than those that this address takes.',
    remedy:
      'Send JSON with `Content-Type: application/json`, and files as a video, PNG or JPEG; no type with a `+` is taken.',
  },
  unsupported_encoding: {
    statuses: [415],
    cause: 'The body was sent with a Content-Encoding.',
    remedy: 'Send the body as it is, without compression.',
  },
  length_required: {
    statuses: [411],
    cause: 'The file, or part of a file, was sent without a Content-Length.',
    remedy: 'Send its length; chunked transfer cannot be stored.',
  },
  empty_body: {
    statuses: [400],
    cause: 'The file, or part of a file, has no bytes.',
    remedy: 'Check the file, and send it again.',
  },
  route_not_found: {
    statuses: [404],
    cause: 'There is nothing at this address.',
    remedy: 'Compare the path with the OpenAPI document at /openapi.json.',
  },
  method_not_allowed: {
    statuses: [405],
    cause: 'The address is there, but does not take this method.',
    remedy: 'Use one of the methods that the header `Allow` lists.',
  },
  upgrade_required: {
    statuses: [426],
    cause: 'A WebSocket address was asked by plain HTTP.',
    remedy: 'Open it as a WebSocket, or read the event stream at /api/jobs/{id}/events.',
  },
  precondition_failed: {
    statuses: [412],
    cause: 'The job, or the file, is not the one that `If-Match` or `If-Unmodified-Since` names.',
    remedy: 'Read it again, decide anew, and send its new ETag.',
  },
  range_not_satisfiable: {
    statuses: [416],
    cause: 'The range lies behind the end of the file.',
    remedy: 'Ask within the size that `Content-Range` names.',
  },
} as const satisfies Record<string, ProblemEntry>
