/** The owners of stored files, and the proof of ownership that is required to sign a download link. */
import { inputsSeen } from '../export-job/core/attempts.ts'
import type { Job, JobRequest } from '../export-job/core/job.ts'
import { resultName } from './result-name.ts'

/** Prefixes of uploads and results in R2. */
export const INPUT_PREFIX = 'input/'
export const OUTPUT_PREFIX = 'output/'

/** The part of R2's answer to a HEAD that determines the owner. */
interface StoredAs {
  readonly key: string
  readonly customMetadata?: Record<string, string>
}

/**
 * Whether a project may use the object. One without an owner was stored by the deployment's operator and may be used by
 * every project.
 *
 * @param projectId null for a caller with access to all projects
 */
export function belongsTo({ customMetadata }: StoredAs, projectId: number | null): boolean {
  const owner = customMetadata?.project
  return projectId === null || owner === undefined || owner === String(projectId)
}

/** The prefix of all outputs of a job, and of no others. */
export function outputPrefix(jobId: string): string {
  return `${OUTPUT_PREFIX}${jobId}/`
}

/** The fields of a request from which the name of a result is built. */
type Named = 'id' | 'projectId' | 'type' | 'inputVideoKey' | 'inputVideoUrl'

/** The source of a job: its key, or the shown part of an external URL. */
function sourceOf({ inputVideoKey, inputVideoUrl }: Pick<JobRequest, Named>): string {
  return inputVideoUrl?.shown ?? inputVideoKey
}

/**
 * A key that was verified to belong to a project. The constructor is private, so that no link can be signed for an
 * unverified key of a request.
 */
export class OwnedFile {
  readonly key: string
  /** The file name of a download; null for the last part of its key. */
  readonly name: string | null
  readonly #projectId: number

  private constructor(key: string, projectId: number, name: string | null = null) {
    this.key = key
    this.name = name
    this.#projectId = projectId
  }

  get projectId(): number {
    return this.#projectId
  }

  /** From R2's answer to a HEAD; null when there is no such file, or it belongs to another project. */
  static found(object: StoredAs | null, projectId: number): OwnedFile | null {
    return object && belongsTo(object, projectId) ? new OwnedFile(object.key, projectId) : null
  }

  /**
   * The input of a job, once the check before its dispatch has found it; null before, if it was missing, and for an
   * external input.
   */
  static inputOf(job: Job): OwnedFile | null {
    const { inputVideoKey, projectId } = job.request
    if (inputVideoKey === '') return null
    return inputsSeen(job) ? new OwnedFile(inputVideoKey, projectId) : null
  }

  /** A file stored by this service for the job; null for a key outside the job's own prefix. */
  static outputOf(request: Pick<JobRequest, Named>, key: string): OwnedFile | null {
    if (!key.startsWith(outputPrefix(request.id))) return null
    return new OwnedFile(key, request.projectId, resultName(sourceOf(request), request.type, key))
  }
}
