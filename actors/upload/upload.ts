/**
 * One upload in parts: named by the key of the file it makes, so that two uploads of one file meet here. It remembers
 * which parts R2 holds and decides what may come next; the bytes themselves go from the Worker to R2 and never pass
 * through it. Its methods decide; the alarm alone acts, and ends what was abandoned.
 */
import { DurableObject } from 'cloudflare:workers'
import type { ActorEnv } from '../env.ts'
import { logFault } from '../log.ts'
import {
  ACTIVITY_MS,
  abortFailed,
  admit,
  announcedAnew,
  judgeParts,
  MOST_ABORT_TRIES,
  NOT_FOUND,
  type Part,
  plannedBytes,
  type Refused,
  refused,
  type UploadRequest,
  type UploadState,
  wakeAt,
} from './core.ts'
import { UploadStore } from './store.ts'

/** Which upload the caller means, and for which project it speaks. */
export interface Access {
  uploadId: string
  projectId: number | null
}

/** What a beginning says of the file, where its token does not: null when it says nothing. */
export interface Announced {
  sizeBytes: number | null
  partBytes: number
}

/** `partBytes` is missing for an upload that is older than this field. */
export type OpenAnswer = { ok: true; uploadId: string; partBytes?: number } | Refused
export type AdmitAnswer = { ok: true } | Refused
/** `plannedBytes` is missing when the part may have any size that fits: then it must be admitted as it comes. */
export type TouchAnswer = { ok: true; plannedBytes?: number } | Refused
export type ViewAnswer = { ok: true; state: UploadState; parts: Part[] } | Refused
export type JudgeAnswer =
  | { ok: true; done: { size: number; etag: string } | null; request: UploadRequest; parts: Part[] }
  | Refused

/** R2's code for an upload that is complete, aborted or expired. */
const GONE = /\(10024\)/

export class Upload extends DurableObject<ActorEnv> {
  readonly #store: UploadStore
  /** Bytes of parts that were admitted and are not stored yet, by number: parts that come at once count together. */
  readonly #underWay = new Map<number, number>()
  #state: UploadState | null

  constructor(ctx: DurableObjectState, env: ActorEnv) {
    super(ctx, env)
    this.#store = new UploadStore(ctx.storage)
    this.#state = this.#store.load()
    if (this.#state) void ctx.blockConcurrencyWhile(() => this.#heal())
  }

  /** Begins. While an upload of this key is open the same one is answered, so that a lost answer costs nothing. */
  async open(request: UploadRequest): Promise<OpenAnswer> {
    const current = await this.current()
    if (current.ok || this.#state) return current
    const now = Date.now()
    this.#commit({ request, createdAt: now, phase: { status: 'open', activeAt: now } })
    return openAnswer(request)
  }

  /** The open upload of this key. @param announced of a file whose token does not fix its size */
  async current(announced?: Announced): Promise<OpenAnswer> {
    const state = this.#state
    switch (state?.phase.status) {
      case undefined:
        return NOT_FOUND
      case 'open':
        return openAnswer(announced ? this.#announce(state, announced) : state.request)
      case 'complete':
        return refused('upload_complete', 'This file is uploaded already.')
      case 'aborting':
        return refused(
          'upload_ending',
          'The last upload of this file is just being aborted; try again shortly.',
        )
    }
  }

  async view(access: Access): Promise<ViewAnswer> {
    const state = this.#find(access)
    return state ? { ok: true, state, parts: this.#store.parts() } : NOT_FOUND
  }

  /** Part `number` is about to be sent: a sign of life, as long as the upload is open. */
  async touch(access: Access, number?: number): Promise<TouchAnswer> {
    const state = this.#find(access)
    if (!state) return NOT_FOUND
    const answer = admit(state, 0, 0)
    const now = Date.now()
    if (state.phase.status === 'open' && now - state.phase.activeAt >= ACTIVITY_MS) {
      this.#commit({ ...state, phase: { status: 'open', activeAt: now } })
    }
    // A Worker of the version before does not say which part.
    const planned = number === undefined ? null : plannedBytes(state.request, number)
    return answer.ok && planned !== null ? { ok: true, plannedBytes: planned } : answer
  }

  /** May a part of this number and size come? Asked before its bytes are stored. */
  async admit(uploadId: string, number: number, size: number): Promise<AdmitAnswer> {
    const state = this.#find({ uploadId })
    if (!state) return NOT_FOUND
    const answer = admit(state, size, this.#bytesBeside(number))
    if (answer.ok) this.#underWay.set(number, size)
    return answer
  }

  /** R2 holds a part: a fact, and remembered even when it came too late to be of use. */
  async partStored(uploadId: string, part: Part): Promise<{ ok: true }> {
    if (!this.#find({ uploadId })) return { ok: true }
    // A Worker of the version before does not know the checksum.
    this.#store.savePart({ ...part, md5: part.md5 ?? null })
    this.#underWay.delete(part.number)
    return { ok: true }
  }

  /**
   * Do these parts make the file? `listed` stands in for what this actor knows when the parts went to R2 without
   * passing the Worker. A complete upload answers what it became.
   */
  async judge(
    access: Access,
    claimed: { number: number; etag: string }[],
    listed: Part[] | null,
  ): Promise<JudgeAnswer> {
    const state = this.#find(access)
    if (!state) return NOT_FOUND
    const { request, phase } = state
    if (phase.status === 'complete') {
      return { ok: true, done: { size: phase.size, etag: phase.etag }, request, parts: [] }
    }
    const verdict = judgeParts(request, listed ?? this.#store.parts(), claimed)
    return verdict.ok ? { ok: true, done: null, request, parts: verdict.parts } : verdict
  }

  /** R2 has put the parts together: a fact. */
  async completed(uploadId: string, object: { size: number; etag: string }): Promise<{ ok: true }> {
    const state = this.#find({ uploadId })
    if (state && state.phase.status !== 'complete') {
      this.#commit({ ...state, phase: { status: 'complete', at: Date.now(), ...object } })
    }
    return { ok: true }
  }

  /** Gives the upload up; one that is complete stays as it is. */
  async abort(access: Access): Promise<AdmitAnswer> {
    const state = this.#state
    if (!state || !isOf(state, access)) return NOT_FOUND
    this.#abort(state)
    return { ok: true }
  }

  /** The job that this upload was for is deleted. */
  async abandon(): Promise<{ ok: true }> {
    if (this.#state) this.#abort(this.#state)
    return { ok: true }
  }

  /** Never throws for an expected failure, and always sets the next alarm while there is something to do. */
  override async alarm(): Promise<void> {
    const state = this.#state
    if (!state) return
    const now = Date.now()
    if (now < wakeAt(state)) return this.ctx.storage.setAlarm(wakeAt(state))
    try {
      if (state.phase.status !== 'complete') await this.#giveUp(state)
      await this.#forget(state)
      await this.#store.erase()
      this.#state = null
    } catch (error) {
      logFault('upload', error, { upload_key: state.request.key })
      const tries = state.phase.status === 'aborting' ? state.phase.tries : 0
      this.#commit({
        ...state,
        phase: state.phase.status === 'complete' ? { ...state.phase, at: now } : abortFailed(tries, now),
      })
    }
  }

  /** Tells R2 to drop the parts. @throws when R2 could not be reached and may be asked again */
  async #giveUp({ request, phase }: UploadState): Promise<void> {
    try {
      await this.env.VIDEOS.resumeMultipartUpload(request.key, request.uploadId).abort()
    } catch (error) {
      const last = phase.status === 'aborting' && phase.tries >= MOST_ABORT_TRIES
      if (!last && !GONE.test(String(error))) throw error
    }
  }

  /** The job's note of this upload goes. */
  async #forget({ request }: UploadState): Promise<void> {
    if (request.jobId === null) return
    await this.env.DB.prepare('DELETE FROM job_uploads WHERE job_id = ? AND upload_key = ?')
      .bind(request.jobId, request.key)
      .run()
  }

  #announce(state: UploadState, { sizeBytes, partBytes }: Announced): UploadRequest {
    const request = announcedAnew(state, sizeBytes, partBytes)
    if (!request) return state.request
    // The parts of another file neither count against this one nor belong to it.
    this.#store.forgetParts()
    this.#underWay.clear()
    this.#commit({ ...state, request })
    return request
  }

  #bytesBeside(number: number): number {
    let bytes = this.#store.bytesBeside(number)
    for (const [other, size] of this.#underWay) {
      if (other !== number) bytes += Math.max(0, size - this.#store.bytesOf(other))
    }
    return bytes
  }

  #abort(state: UploadState): void {
    if (state.phase.status !== 'open') return
    this.#commit({ ...state, phase: { status: 'aborting', tries: 0, nextAt: Date.now() } })
  }

  /** An upload that is being aborted is gone for every caller. */
  #find(access: { uploadId: string; projectId?: number | null }): UploadState | null {
    const state = this.#state
    return state && state.phase.status !== 'aborting' && isOf(state, access) ? state : null
  }

  #commit(state: UploadState): void {
    this.#store.save(state)
    this.#state = state
    void this.ctx.storage.setAlarm(wakeAt(state))
  }

  /** An alarm can be lost: it is set again. */
  async #heal(): Promise<void> {
    if (this.#state && (await this.ctx.storage.getAlarm()) === null) {
      await this.ctx.storage.setAlarm(wakeAt(this.#state))
    }
  }
}

function openAnswer({ uploadId, partBytes }: UploadRequest): OpenAnswer {
  return { ok: true, uploadId, ...(partBytes !== undefined && { partBytes }) }
}

function isOf({ request }: UploadState, access: { uploadId: string; projectId?: number | null }): boolean {
  if (request.uploadId !== access.uploadId) return false
  return access.projectId === undefined || request.projectId === access.projectId
}
