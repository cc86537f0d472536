/** Whose a stored file is, and the proof of it that a download link asks for. */
import { inputsSeen } from './export-job/core/inputs.ts'
import type { Job, JobRequest } from './export-job/core/job.ts'
import { resultName } from './result-name.ts'

/** What R2's answer to a HEAD says of it. */
interface StoredAs {
  readonly key: string
  readonly customMetadata?: Record<string, string>
}

/**
 * May this project use the object? One without an owner was put by the deployment's own hand and belongs to every
 * project.
 *
 * @param projectId null for who acts for all projects
 */
export function belongsTo({ customMetadata }: StoredAs, projectId: number | null): boolean {
  const owner = customMetadata?.project
  return projectId === null || owner === undefined || owner === String(projectId)
}

/** Where the outputs of a job lie, and those of no other. */
export function outputPrefix(jobId: string): string {
  return `output/${jobId}/`
}

/**
 * A key that was seen to be a project's own. The constructor is private: no link can be signed for a key that merely
 * stands in a request.
 */
export class OwnedFile {
  readonly key: string
  /** What it is to be saved as; null for the last part of its key. */
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

  /** By R2's answer to a HEAD; null when there is no such file, or it is another project's. */
  static found(object: StoredAs | null, projectId: number): OwnedFile | null {
    return object && belongsTo(object, projectId) ? new OwnedFile(object.key, projectId) : null
  }

  /** The input of a job, once the look before its dispatch has found it; null before, and when it was not there. */
  static inputOf(job: Job): OwnedFile | null {
    const { inputVideoKey, projectId } = job.request
    return inputsSeen(job) ? new OwnedFile(inputVideoKey, projectId) : null
  }

  /** What this service itself stored for the job; null for a key that is not under the job's own prefix. */
  static outputOf(request: JobRequest, key: string): OwnedFile | null {
    if (!key.startsWith(outputPrefix(request.id))) return null
    return new OwnedFile(key, request.projectId, resultName(request.inputVideoKey, request.type, key))
  }
}
