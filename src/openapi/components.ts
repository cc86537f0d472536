/** The schemas that the document names, and how a valibot schema is written as JSON Schema there. */
import { type ConversionConfig, toJsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema'
import * as v from 'valibot'
import { RunpodEnvelope } from '../../actors/runpod-envelope.ts'
import { JOB_TYPES } from '../job-types/index.ts'
import { Output } from '../job-types/output.ts'
import { Action } from '../schemas/admin.ts'
import * as admin from '../schemas/admin-view.ts'
import { InputKey, JobId, ProjectId } from '../schemas/common.ts'
import { CreateJobBody, PolicyBody } from '../schemas/job.ts'
import * as jobs from '../schemas/job-view.ts'
import * as multipart from '../schemas/multipart.ts'
import * as reports from '../schemas/report.ts'
import * as service from '../schemas/service.ts'
import * as tokens from '../schemas/token.ts'
import * as uploads from '../schemas/upload.ts'
import { fieldNote } from './field-notes.ts'
import type { Parameters } from './operation.ts'

export type JsonSchema = Record<string, unknown>

/** The body of POST /api/jobs with the params of each type, which the service reads by their type. */
const variants = [...JOB_TYPES.values()].map(({ name, schema }) =>
  v.strictObject({ ...CreateJobBody.entries, type: v.literal(name), params: schema }),
)
export const CreateJob = v.variant('type', variants)

const byType = Object.fromEntries(
  variants.map((schema) => [`Create${capital(schema.entries.type.literal)}Job`, schema]),
)

const COMPONENTS: Record<string, v.GenericSchema> = {
  JobId,
  ProjectId,
  InputKey,
  JobStatus: jobs.JobStatus,
  Job: jobs.Job,
  JobSummary: jobs.JobSummary,
  JobList: jobs.JobList,
  JobEvent: jobs.JobEvent,
  EventPage: jobs.EventPage,
  Failure: jobs.Failure,
  CreateJob,
  ...byType,
  OutputSettings: Output,
  Policy: PolicyBody,
  CreatedJob: jobs.CreatedJob,
  DeletedJob: jobs.DeletedJob,
  CancelledInstead: jobs.CancelledInstead,
  ProgressReport: reports.ProgressBody,
  CompletionReport: reports.CompleteBody,
  ErrorReport: reports.ErrorBody,
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
  Action,
  ActionDone: admin.ActionDone,
  Statistics: admin.Statistics,
  Health: service.Health,
  JobTypes: service.JobTypes,
  Problem: service.Problem,
}

/** What a schema checks by code, and JSON Schema can say at least in part. */
const SAID_OTHERWISE: Record<string, JsonSchema> = {
  JobId: { format: 'uuid', description: 'The id of a job.' },
  ProjectId: { description: 'Projects are numbered from 1.' },
  InputKey: {
    pattern: '^input/',
    description: 'The key of an uploaded file, as POST /api/videos/upload-url gave it.',
  },
  FileType: { pattern: '^(video/|image/(png|jpeg))', description: 'A video type, image/png or image/jpeg.' },
  FileSize: { description: 'In bytes.' },
  ScopeList: {
    pattern: '^[a-z:]+( [a-z:]+)*$',
    description: 'jobs:read, jobs:write, videos:write, admin; several are separated by single spaces.',
  },
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
  // Rules between fields have no words in JSON Schema; they are still checked.
  errorMode: 'ignore',
  overrideSchema: ({ valibotSchema, jsonSchema }) => {
    if (valibotSchema.type === 'custom') return { ...jsonSchema, type: 'object' }
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
      { ...explained(name, { ...schema }), ...SAID_OTHERWISE[name] },
    ]),
  )
}

/** With a sentence for each field that has one. */
function explained(component: string, schema: JsonSchema): JsonSchema {
  const { properties } = schema
  if (properties === null || typeof properties !== 'object') return schema
  const told = Object.entries(properties).map(([field, inner]) => {
    const description = fieldNote(component, field)
    return [field, description === undefined ? inner : { description, ...inner }]
  })
  return { ...schema, properties: Object.fromEntries(told) }
}

/** A body, by reference to the components where it can be. */
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

/** A parameter of path or query: what it stands for, once it is read from its text. */
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
