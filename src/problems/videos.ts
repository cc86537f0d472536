/** Problems of videos: uploads in one piece or in parts, and downloads. */
import type { ProblemEntry } from './entry.ts'

export const VIDEO_PROBLEMS = {
  video_not_found: {
    statuses: [404],
    cause: 'There is no such file, or it belongs to another project or job than the token.',
    remedy: 'Check the key; retention may have removed the file.',
  },
  invalid_key: {
    statuses: [400],
    cause: 'The path holds no key of a video, or not percent-encoded as it should be.',
    remedy: 'Use the URL exactly as it was given out.',
  },
  already_exists: {
    statuses: [412],
    cause: 'The file is there already, and may be written only once. `ETag` tells which one.',
    remedy: 'A worker reports completion; anyone else asks for a new upload URL.',
  },
  size_mismatch: {
    statuses: [400, 413],
    cause: 'The file, or a part, has another size than was announced or than its Content-Length says.',
    remedy: 'Send exactly what was announced, or announce the file anew.',
  },
  type_mismatch: {
    statuses: [415],
    cause: 'The file was sent with another Content-Type than was announced.',
    remedy: 'Send the headers that came with the upload URL.',
  },
  invalid_checksum: {
    statuses: [400],
    cause: 'A checksum header is not base64 of the right length, or two were sent.',
    remedy: 'Send either Content-MD5 or x-amz-checksum-sha256, in base64.',
  },
  checksum_mismatch: {
    statuses: [422],
    cause: 'The bytes that arrived do not match the checksum that was sent with them.',
    remedy: 'Send the file, or the part, again.',
  },
  upload_too_large: {
    statuses: [413],
    cause: 'The file is larger than this deployment accepts, or its parts are more than was announced.',
    remedy: 'Upload a smaller file, or exactly the one that was announced; `detail` names the limit.',
  },
  upload_not_found: {
    statuses: [404],
    cause: 'There is no such upload: it was ended, abandoned for a day, or is not of this token.',
    remedy: 'Begin the upload again.',
  },
  upload_complete: {
    statuses: [409],
    cause: 'The upload is complete; nothing can be added to it or taken from it.',
    remedy: 'Use the file, or begin a new upload.',
  },
  upload_ending: {
    statuses: [409],
    cause: 'The upload is being ended.',
    remedy: 'Begin again when `Retry-After` has passed.',
  },
  part_missing: {
    statuses: [400],
    cause: 'The list of parts names one that was never stored, or not with that ETag.',
    remedy: 'List the parts, send what is missing, and complete the upload again.',
  },
  part_too_small: {
    statuses: [400],
    cause: 'A part other than the last is smaller than the least size of a part.',
    remedy: 'Begin again with parts of the size that came with the upload.',
  },
  part_too_large: {
    statuses: [413],
    cause: 'A part is larger than one request may be.',
    remedy: 'Begin again with parts of the size that came with the upload.',
  },
  parts_unequal: {
    statuses: [400],
    cause: 'The parts differ in size; only the last may be smaller than the others.',
    remedy: 'Begin again with equal parts.',
  },
  invalid_part_number: {
    statuses: [400],
    cause: 'The number of the part is no whole number from 1 to 10000.',
    remedy: 'Number the parts from 1.',
  },
  multipart_only: {
    statuses: [400],
    cause: 'An uploader asked for a form to post a small file with; only uploads in parts are offered here.',
    remedy: 'Set `shouldUseMultipart: true` in @uppy/aws-s3.',
  },
} as const satisfies Record<string, ProblemEntry>
