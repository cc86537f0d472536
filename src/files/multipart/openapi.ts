/** OpenAPI notes of multipart uploads. */
import * as v from 'valibot'
import { MAX_PARTS } from '../../../actors/upload/rules.ts'
import type { OperationNote } from '../../openapi/operation.ts'
import { CHECKSUM_HEADERS, INPUT_KEY, UPLOAD_ID } from '../../openapi/samples.ts'
import {
  AbortedUpload,
  BegunUpload,
  CompleteBody,
  CompletedUpload,
  CreateBody,
  PartList,
  SignedPart,
  UploadPage,
  UploadProgress,
  UploadTokenBody,
} from './schemas.ts'

const token = v.pipe(v.string(), v.minLength(1))
const upload = v.pipe(v.string(), v.minLength(1))
const ByToken = v.object({ token })
const ByUpload = v.object({ token, upload })
const ByPart = v.object({
  token,
  upload,
  part: v.pipe(
    v.string(),
    v.regex(/^\d{1,5}$/),
    v.transform(Number),
    v.number(),
    v.integer(),
    v.minValue(1),
    v.maxValue(MAX_PARTS),
  ),
})
const KeyQuery = v.object({ key: v.optional(v.string()) })

const NOTES = {
  token: 'The upload token: the last part of `companion_url`.',
  upload: '`uploadId` of the upload, percent-encoded.',
  part: 'The number of the part, from 1.',
  key: 'The key of the file; may be left out where the token is of one file.',
}

const IN_PARTS = {
  tag: 'Uploads in parts',
  notes: NOTES,
} as const

const OF_UPLOAD = ['upload_not_found', 'upload_unavailable', 'validation_failed'] as const

export const UPLOAD_NOTES: readonly OperationNote[] = [
  {
    route: 'POST /api/uploads',
    id: 'createUploadPage',
    tag: 'Uploads in parts',
    summary: 'Get an address for an uploader',
    description:
      'For a page with an uploader that chooses files later: set `companion_url` as `companionEndpoint` of @uppy/aws-s3, with `shouldUseMultipart: true`. It holds for a day and for any number of files of the project.',
    body: UploadTokenBody,
    answers: { 200: { description: 'The address, and until when it holds.', schema: UploadPage } },
    problems: ['project_forbidden', 'job_token_only'],
    examples: [
      {
        name: 'project',
        summary: 'Files of one project',
        body: { project_id: 1 },
        status: 200,
        answer: {
          companion_url: 'https://exportal.example.com/api/uploads/eyJrIjoicCJ9.…',
          expires_at: '2026-01-02T10:00:00.000Z',
        },
      },
    ],
  },
  {
    route: 'PUT /api/uploads/part/:key+',
    id: 'putPart',
    tag: 'Uploads in parts',
    summary: 'Send one part',
    description:
      'The address comes from signing the part. Keep the ETag: completing the upload asks for it. A checksum that is sent is verified; a part that does not match it must be sent again.',
    path: v.object({ key: v.pipe(v.string(), v.minLength(1)) }),
    query: v.object({ upload: v.string(), part: v.string() }),
    notes: {
      key: 'The key of the file; its slashes stand in the path as they are.',
      upload: 'The upload; part of the signed URL.',
      part: 'The number of the part; part of the signed URL.',
    },
    headers: CHECKSUM_HEADERS,
    bodyType: 'application/octet-stream',
    answers: {
      200: {
        description: 'Stored.',
        headers: { ETag: { description: 'Of the part.', example: '"098f6bcd4621d373cade4e832627b4f6"' } },
      },
    },
    problems: [
      'invalid_key',
      'invalid_checksum',
      'checksum_mismatch',
      'upload_not_found',
      'upload_complete',
      'upload_ending',
      'upload_too_large',
      'part_too_large',
      'part_too_small',
      'parts_unequal',
      'size_mismatch',
      'empty_body',
      'length_required',
      'upload_unavailable',
      'storage_unavailable',
    ],
    examples: [{ name: 'last', summary: 'A last, small part', body: 'test', status: 200 }],
  },
  {
    ...IN_PARTS,
    route: 'POST /api/uploads/:token/s3/multipart',
    id: 'beginUpload',
    summary: 'Begin an upload in parts',
    description:
      'Under the token of one file nothing needs to be sent, and the same upload is answered when it is repeated. `size_bytes` should be sent: then parts can go straight to storage. Where the token announces a size it must be the same; a worker’s output takes the one that was said last. Parts have `part_size_bytes`, and the last one the rest.',
    path: ByToken,
    body: CreateBody,
    answers: { 200: { description: 'The upload.', schema: BegunUpload } },
    problems: [
      'already_exists',
      'upload_ending',
      'upload_complete',
      'size_mismatch',
      'upload_too_large',
      'upload_unavailable',
      'storage_unavailable',
      'list_unavailable',
    ],
    examples: [
      {
        name: 'uppy',
        summary: 'As Uppy begins',
        body: { filename: 'clip.mp4', type: 'video/mp4', metadata: { name: 'clip.mp4' } },
        status: 200,
        answer: { key: INPUT_KEY, uploadId: UPLOAD_ID, part_size_bytes: 67_108_864 },
      },
    ],
  },
  {
    ...IN_PARTS,
    route: 'GET /api/uploads/:token/s3/multipart/:upload',
    id: 'listParts',
    summary: 'List the parts that are stored',
    path: ByUpload,
    query: KeyQuery,
    answers: { 200: { description: 'What needs not be sent again.', schema: PartList } },
    problems: [...OF_UPLOAD, 'upload_ending', 'storage_unavailable'],
    examples: [{ name: 'none', summary: 'Nothing was sent yet', status: 200, answer: [] }],
  },
  {
    ...IN_PARTS,
    route: 'DELETE /api/uploads/:token/s3/multipart/:upload',
    id: 'abortUpload',
    summary: 'Abort an upload',
    description: 'May be repeated. A complete upload stays as it is, and its file too.',
    path: ByUpload,
    query: KeyQuery,
    answers: { 200: { description: 'Aborted.', schema: AbortedUpload } },
    problems: [...OF_UPLOAD, 'upload_complete'],
    examples: [{ name: 'open', summary: 'An upload that is under way', status: 200, answer: {} }],
  },
  {
    ...IN_PARTS,
    route: 'POST /api/uploads/:token/s3/multipart/:upload/complete',
    id: 'completeUpload',
    summary: 'Put the parts together',
    description: 'May be repeated: the same file is answered again.',
    path: ByUpload,
    query: KeyQuery,
    body: CompleteBody,
    answers: { 200: { description: 'The file.', schema: CompletedUpload } },
    problems: [
      ...OF_UPLOAD,
      'upload_complete',
      'upload_ending',
      'already_exists',
      'part_missing',
      'part_too_small',
      'parts_unequal',
      'size_mismatch',
      'upload_too_large',
      'storage_unavailable',
    ],
    examples: [
      {
        name: 'one',
        summary: 'A file of one part',
        body: { parts: [{ PartNumber: 1, ETag: '"098f6bcd4621d373cade4e832627b4f6"' }] },
        status: 200,
        answer: {
          location: `https://exportal.example.com/api/videos/download/${INPUT_KEY}`,
          key: INPUT_KEY,
          size: 4,
          etag: '"0d9ec8b3c6d1d9c0f3f6f3c1a5b2e7d8-1"',
        },
      },
    ],
  },
  {
    ...IN_PARTS,
    route: 'GET /api/uploads/:token/s3/multipart/:upload/progress',
    id: 'readUploadProgress',
    summary: 'See how much of a file is stored',
    path: ByUpload,
    query: KeyQuery,
    answers: { 200: { description: 'How far it is.', schema: UploadProgress } },
    problems: [...OF_UPLOAD, 'upload_ending', 'storage_unavailable'],
    examples: [
      {
        name: 'begun',
        summary: 'Nothing was sent yet',
        status: 200,
        answer: {
          key: INPUT_KEY,
          upload_id: UPLOAD_ID,
          status: 'open',
          parts: 0,
          uploaded_bytes: 0,
          size_bytes: null,
          percent: null,
          part_size_bytes: 67_108_864,
        },
      },
    ],
  },
  {
    ...IN_PARTS,
    route: 'GET /api/uploads/:token/s3/multipart/:upload/:part',
    id: 'signPart',
    summary: 'Sign one part',
    description:
      'PUT the bytes of the part to `url`. It holds for an hour. Where it leads straight to storage, it takes exactly `size_bytes`, which is null as long as the size of the file is not known.',
    path: ByPart,
    query: KeyQuery,
    answers: { 200: { description: 'Where the part goes.', schema: SignedPart } },
    problems: [...OF_UPLOAD, 'invalid_part_number', 'upload_complete', 'upload_ending', 'upload_too_large'],
    examples: [
      {
        name: 'first',
        summary: 'The first part',
        status: 200,
        answer: {
          url: `https://exportal.example.com/api/uploads/part/${INPUT_KEY}?upload=AFs1…&part=1&exp=1767265200&sig=…`,
          expires_at: '2026-01-01T11:00:00.000Z',
          size_bytes: null,
        },
      },
    ],
  },
  {
    ...IN_PARTS,
    route: 'GET /api/uploads/:token/s3/params',
    id: 'refuseForm',
    summary: 'Refuses a form upload',
    description: 'Uppy asks here unless `shouldUseMultipart` is true; storage takes no forms.',
    path: ByToken,
    answers: {},
    problems: ['multipart_only'],
    examples: [{ name: 'form', summary: 'A small file', query: { filename: 'a.png' }, status: 400 }],
  },
]
