/** OpenAPI notes of videos that are sent or read in one piece. */
import * as v from 'valibot'
import type { OperationNote } from '../openapi/operation.ts'
import { CHECKSUM_HEADERS, INPUT_KEY } from '../openapi/samples.ts'
import { StoredVideo, UploadPlan, UploadUrlBody } from './schemas.ts'

const ByKey = v.object({ key: v.pipe(v.string(), v.minLength(1)) })
const KEY_NOTE =
  'The key of the video; its slashes stand in the path as they are, all else is percent-encoded.'

export const VIDEO_NOTES: readonly OperationNote[] = [
  {
    route: 'POST /api/videos/upload-url',
    id: 'createUploadUrl',
    tag: 'Videos',
    summary: 'Ask where to upload a file',
    description:
      'A video, or a PNG or JPEG image for overlays. A file that fits into one request gets `upload_url`: PUT it there with `headers`. A larger one gets `multipart`: the address of the routes for uploads in parts, as Uppy speaks them. Every part has `part_size_bytes`, and the last one the rest of `size_bytes`. A file for a job belongs to the job’s project.',
    body: UploadUrlBody,
    answers: { 200: { description: 'Where it goes, and until when.', schema: UploadPlan } },
    problems: ['project_forbidden', 'job_token_only', 'job_not_found', 'job_unavailable', 'upload_too_large'],
    examples: [
      {
        name: 'small',
        summary: 'In one piece',
        body: { filename: 'clip.mp4', content_type: 'video/mp4', size_bytes: 7_340_032, project_id: 1 },
        status: 200,
        answer: {
          upload_url: `https://exportal.example.com/api/videos/upload/${INPUT_KEY}?type=video%2Fmp4&size=7340032&project=1&exp=1767265200&sig=…`,
          headers: { 'Content-Type': 'video/mp4' },
          video_key: INPUT_KEY,
          method: 'PUT',
          expires_at: '2026-01-01T11:00:00.000Z',
          size_bytes: 7_340_032,
        },
      },
      {
        name: 'large',
        summary: 'In parts',
        body: { filename: 'film.mov', content_type: 'video/quicktime', size_bytes: 2_147_483_648 },
        status: 200,
        answer: {
          upload_url: null,
          headers: {},
          multipart: {
            companion_url: 'https://exportal.example.com/api/uploads/eyJrIjoiZiJ9.…',
            part_size_bytes: 8_388_608,
            part_count: 256,
          },
          video_key: 'input/0198b2f4-6c1e-7d3a-9f00-5b1c2d3e4f51/film.mov',
          method: 'PUT',
          expires_at: '2026-01-08T10:00:00.000Z',
          size_bytes: 2_147_483_648,
        },
      },
      {
        name: 'text',
        summary: 'What is no video',
        body: { filename: 'notes.txt', content_type: 'text/plain', size_bytes: 12 },
        status: 400,
      },
    ],
  },
  {
    route: 'PUT /api/videos/upload/:key+',
    id: 'uploadVideo',
    tag: 'Videos',
    summary: 'Upload a file in one piece',
    description:
      'The address comes from POST /api/videos/upload-url, or in a worker’s input, and its signature covers type, size and owner. A checksum that is sent is verified before the file is there.',
    path: ByKey,
    notes: { key: KEY_NOTE },
    headers: {
      ...CHECKSUM_HEADERS,
      'If-None-Match': { description: '`*`: only when there is no such file yet.', example: '*' },
    },
    bodyType: 'video/mp4',
    answers: {
      201: {
        description: 'Stored.',
        schema: StoredVideo,
        headers: { ETag: { description: 'Of the file.', example: '"098f6bcd4621d373cade4e832627b4f6"' } },
      },
    },
    problems: [
      'invalid_key',
      'invalid_checksum',
      'size_mismatch',
      'empty_body',
      'length_required',
      'already_exists',
      'body_too_large',
      'upload_too_large',
      'type_mismatch',
      'unsupported_media_type',
      'checksum_mismatch',
      'storage_unavailable',
    ],
    examples: [
      {
        name: 'checked',
        summary: 'Four bytes with their checksum',
        headers: { 'Content-MD5': 'CY9rzUYh03PK3k6DJie09g==' },
        body: 'test',
        status: 201,
        answer: { key: INPUT_KEY, size: 4, etag: '"098f6bcd4621d373cade4e832627b4f6"' },
      },
    ],
  },
  {
    route: 'GET /api/videos/download/:key+',
    id: 'downloadVideo',
    tag: 'Videos',
    summary: 'Download a file',
    description:
      'By the signed URL of a job’s `output_url`, or by a token with the scope jobs:read. A result is named after its source and its type: `holiday-overlay.mp4`. A file of another project is answered as one that does not exist. One range is answered 206; `If-Range`, `If-None-Match`, `If-Match` and the dates are obeyed. HEAD answers the same without a body.',
    path: ByKey,
    query: v.object({ inline: v.optional(v.string()) }),
    notes: {
      key: KEY_NOTE,
      inline: '`1`: to be shown rather than saved, if it is a video, PNG or JPEG that browsers show.',
    },
    headers: {
      Range: { description: 'One range of bytes.', example: 'bytes=0-1', pattern: '^bytes=0-\\d$' },
      'If-None-Match': { description: 'An ETag of this file.', example: '"0"' },
    },
    answers: {
      200: {
        description: 'The file.',
        mediaType: 'application/octet-stream',
        headers: {
          ETag: { description: 'Of the file.', example: '"098f6bcd4621d373cade4e832627b4f6"' },
          'Accept-Ranges': { description: 'Ranges are taken.', example: 'bytes' },
          'Content-Disposition': { description: 'Its name.', example: 'attachment; filename="clip.mp4"' },
          'Content-Security-Policy': {
            description: 'Nothing in the file runs.',
            example: "sandbox; default-src 'none'",
          },
        },
      },
      206: {
        description: 'The range.',
        mediaType: 'application/octet-stream',
        headers: { 'Content-Range': { description: 'Which bytes of how many.', example: 'bytes 0-1/4' } },
      },
      304: { description: 'The file has not changed.' },
    },
    problems: [
      'invalid_key',
      'video_not_found',
      'precondition_failed',
      'range_not_satisfiable',
      'storage_unavailable',
      'token_invalid',
      'token_expired',
      'token_misplaced',
      'unauthorized',
      'scope_missing',
    ],
    examples: [
      { name: 'whole', summary: 'All of it', status: 200 },
      { name: 'range', summary: 'Its first two bytes', headers: { Range: 'bytes=0-1' }, status: 206 },
      { name: 'behind', summary: 'Behind its end', headers: { Range: 'bytes=1000-' }, status: 416 },
    ],
  },
]
