/** The named schemas of the document, and the conversion from valibot to JSON Schema. */
import { type ConversionConfig, toJsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema'
import * as v from 'valibot'
import * as bodies from '../../actors/export-job/read-report.ts'
import { RunpodEnvelope } from '../../actors/runpod/envelope.ts'
import * as admin from '../admin/schemas.ts'
import * as tokens from '../auth/schemas.ts'
import * as multipart from '../files/multipart/schemas.ts'
import { InputKey, SourceKey } from '../files/object-keys.ts'
import * as uploads from '../files/schemas.ts'
import * as reports from '../gpu/schemas.ts'
import { isObject, ProjectId } from '../http/fields.ts'
import { JobId } from '../jobs/ids.ts'
import { JOB_TYPES } from '../jobs/job-types/index.ts'
import { Output } from '../jobs/job-types/output.ts'
import * as jobs from '../jobs/schemas.ts'
import * as service from '../service/schemas.ts'
import * as watch from '../watch/schemas.ts'
import { fieldNote } from './field-notes.ts'
import type { Parameters } from './operation.ts'

export type JsonSchema = Record<string, unknown>

/** The body of POST /api/jobs with the params of each type; the service itself validates params by type. */
const variants = [...JOB_TYPES.values()].map(({ name, schema }) =>
  v.strictObject({ ...jobs.CreateJobBody.entries, type: v.literal(name), params: schema }),
)
export const CreateJob = v.variant('type', variants)

const byType = Object.fromEntries(
  variants.map((schema) => [`Create${capital(schema.entries.type.literal)}Job`, schema]),
)

/**
 * A job has exactly one input. Not by `oneOf`: generators take a `oneOf` beside `properties` for the whole schema, and
 * generate a body of any shape.
 */
const ONE_INPUT = {
  not: { required: ['input_video_key', 'input_video_url'] },
  if: { not: { required: ['input_video_key'] } },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['input_video_url'] },
}

const COMPONENTS: Record<string, v.GenericSchema> = {
  JobId,
  ProjectId,
  InputKey,
  SourceKey,
  JobStatus: jobs.JobStatus,
  Job: jobs.Job,
  JobSummary: jobs.JobSummary,
  JobList: jobs.JobList,
  JobEvent: jobs.JobEvent,
  EventPage: watch.EventPage,
  Failure: jobs.Failure,
  CreateJob,
  ...byType,
  OutputSettings: Output,
  Policy: jobs.PolicyBody,
  CreatedJob: jobs.CreatedJob,
  DeletedJob: jobs.DeletedJob,
  CancelledInstead: jobs.CancelledInstead,
  ProgressReport: bodies.ProgressBody,
  CompletionReport: bodies.CompleteBody,
  ErrorReport: bodies.ErrorBody,
  ReportAnswer: reports.ReportAnswer,
  RunpodEnvelope,
  PlainCallback: reports.PlainCallback,
  CallbackAnswer: reports.CallbackAnswer,
  FileType: uploads.VideoType,
  FileSize: uploads.SizeBytes,
  UploadRequest: uploads.UploadUrlBody,
  UploadPlan: uploads.UploadPlan,
  StoredVideo: uploads.StoredVideo,
  UploadPageRequest: multipart.UploadTokenBody,
  UploadPage: multipart.UploadPage,
  BeginUpload: multipart.CreateBody,
  BegunUpload: multipart.BegunUpload,
  SignedPart: multipart.SignedPart,
  PartList: multipart.PartList,
  CompleteUpload: multipart.CompleteBody,
  CompletedUpload: multipart.CompletedUpload,
  UploadProgress: multipart.UploadProgress,
  ScopeList: tokens.ScopeList,
  TokenRequest: tokens.TokenBody,
  IssuedToken: tokens.IssuedToken,
  InspectedJob: admin.InspectedJob,
  InspectedActor: admin.InspectedActor,
  InspectedAttempt: admin.InspectedAttempt,
  Finding: admin.Finding,
  Action: admin.Action,
  ActionDone: admin.ActionDone,
  BulkAction: admin.BulkAction,
  BulkDone: admin.BulkDone,
  LaneAction: admin.LaneAction,
  LaneActionDone: admin.LaneActionDone,
  Lane: admin.Lane,
  Lanes: admin.Lanes,
  Statistics: admin.Statistics,
  Health: service.Health,
  JobTypes: jobs.JobTypes,
  Problem: service.Problem,
}

/** JSON Schema of what a schema checks by code, as far as it can be expressed. */
const SAID_OTHERWISE: Record<string, JsonSchema> = {
  JobId: { format: 'uuid', description: 'The id of a job.' },
  ProjectId: { description: 'Projects are numbered from 1.' },
  InputKey: {
    pattern: '^input/',
    description: 'The key of an uploaded file, as POST /api/videos/upload-url gave it.',
  },
  SourceKey: {
    pattern: '^(input|output)/',
    description: 'The key of an uploaded file, or of the result of a complete job of the same project.',
  },
  FileType: { pattern: '^(video/|image/(png|jpeg))', description: 'A video type, image/png or image/jpeg.' },
  FileSize: { description: 'In bytes.' },
  ScopeList: {
    pattern: '^[a-z:]+( [a-z:]+)*$',
    description: 'jobs:read, jobs:write, videos:write, admin; several are separated by single spaces.',
  },
  ...Object.fromEntries(Object.keys(byType).map((name) => [name, ONE_INPUT])),
  CreateJob: {
    discriminator: {
      propertyName: 'type',
      mapping: Object.fromEntries(
        [...JOB_TYPES.keys()].map((name) => [name, reference(`Create${capital(name)}Job`)]),
      ),
    },
  },
}

const CONFIG = {
  target: 'draft-2020-12',
  // JSON Schema cannot express the rules between fields; they are still checked.
  errorMode: 'ignore',
  overrideSchema: ({ valibotSchema, jsonSchema }) => {
    if (valibotSchema.type === 'custom') return { ...jsonSchema, type: 'object', additionalProperties: true }
    if (valibotSchema.type === 'loose_object') return { ...jsonSchema, additionalProperties: true }
    return undefined
  },
  overrideRef: ({ referenceId }) => reference(referenceId),
} satisfies ConversionConfig

/** `components.schemas` of the document. */
export function componentSchemas(): Record<string, JsonSchema> {
  const schemas = toJsonSchemaDefs(COMPONENTS, { ...CONFIG, typeMode: 'input' })
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => [
      name,
      { ...withoutDefaults(explained(name, { ...schema })), ...SAID_OTHERWISE[name] },
    ]),
  )
}

/**
 * Moves defaults into the description. Only requests have them, and generators treat a field with a `default` as always
 * present: clients would have to send it.
 */
function withoutDefaults({ default: standard, ...schema }: JsonSchema): JsonSchema {
  const inner = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(inner)
    return isObject(value) ? withoutDefaults(value) : value
  }
  const kept = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, inner(value)]))
  // An empty default needs no text, since the field is optional.
  if (
    standard === undefined ||
    (standard !== null && typeof standard === 'object' && Object.keys(standard).length === 0)
  )
    return kept
  const sentence = `By default ${JSON.stringify(standard).replaceAll('"', '`')}.`
  return { ...kept, description: [kept.description, sentence].filter(Boolean).join(' ') }
}

/** Adds the description of each field that has one. */
function explained(component: string, schema: JsonSchema): JsonSchema {
  const { properties } = schema
  if (properties === null || typeof properties !== 'object') return schema
  const described = Object.entries(properties).map(([field, inner]) => {
    const description = fieldNote(component, field)
    return [field, description === undefined ? inner : { description, ...inner }]
  })
  return { ...schema, properties: Object.fromEntries(described) }
}

/** The schema of a body, by reference to the components where possible. */
export function bodySchema(schema: v.GenericSchema): JsonSchema {
  const {
    $schema: _,
    $defs: __,
    ...rest
  } = toJsonSchema(schema, {
    ...CONFIG,
    typeMode: 'input',
    definitions: COMPONENTS,
  })
  return rest
}

/** The schema of a path or query parameter after parsing. */
export function parameterSchema(schema: v.GenericSchema): JsonSchema {
  const named = Object.entries(COMPONENTS).find(([, component]) => component === schema)
  if (named) return { $ref: reference(named[0]) }
  const { $schema: _, ...rest } = toJsonSchema(schema, { ...CONFIG, typeMode: 'output' })
  return rest
}

export function isOptional(parameters: Parameters, name: string): boolean {
  return parameters.entries[name]?.type === 'optional'
}

function reference(name: string): string {
  return `#/components/schemas/${name}`
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
