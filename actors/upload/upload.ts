/**
 * The actor of one multipart upload, named by the key of its file, so that there is one upload per file. It records
 * which parts R2 has and decides which are accepted; the bytes are sent from the Worker to R2 and never pass through
 * it. Its methods decide; only the alarm calls R2, to abort abandoned uploads.
 */
import { DurableObject } from 'cloudflare:workers'
import type { ActorEnv } from '../shared/env.ts'
import { logFault } from '../shared/log.ts'
import {
  ACTIVITY_MS,
  abortFailed,
  admit,
  announcedAnew,
  checkParts,
  MAX_ABORT_TRIES,
  NOT_FOUND,
  type Part,
  plannedBytes,
  type Refused,
  refused,
  type UploadRequest,
  type UploadState,
  wakeAt,
} from './rules.ts'
import { UploadStore } from './store.ts'

/** The upload that a call refers to, and the project of its token. */
export interface Access {
  uploadId: string
  projectId: number | null
}

/** The size of the file where its token does not fix it; null when the call announces none. */
export interface Announced {
  sizeBytes: number | null
  partBytes: number
}

/** `partBytes` is absent for an upload older than this field. */
export type OpenAnswer = { ok: true; uploadId: string; partBytes?: number } | Refused
export type AdmitAnswer = { ok: true } | Refused
/**
 * `plannedBytes` is absent when the part may have any size within the limits: then it must be admitted individually.
 */
export type TouchAnswer = { ok: true; plannedBytes?: number } | Refused
export type ViewAnswer = { ok: true; state: UploadState; parts: Part[] } | Refused
export type PartsAnswer =
  | { ok: true; done: { size: number; etag: string } | null; request: UploadRequest; parts: Part[] }
  | Refused

/** R2's code for an upload that is complete, aborted or expired. */
const GONE = /\(10024\)/

export class Upload extends DurableObject<ActorEnv> {
  readonly #store: UploadStore
  /** Bytes of admitted parts that are not stored yet, by number, so that concurrent parts count together. */
  readonly #underWay = new Map<number, number>()
  #state: UploadState | null

  constructor(ctx: DurableObjectState, env: ActorEnv) {
    super(ctx, env)
    this.#store = new UploadStore(ctx.storage)
    this.#state = this.#store.load()
    if (this.#state) void ctx.blockConcurrencyWhile(() => this.#rearm())
  }

  /** Opens the upload. An open upload of this key is returned instead, so that the call can be repeated. */
  async open(request: UploadRequest): Promise<OpenAnswer> {
    const current = await this.current()
    if (current.ok || this.#state) return current
    const now = Date.now()
    this.#commit({ request, createdAt: now, phase: { status: 'open', activeAt: now } })
    return openAnswer(request)
  }

  /** The open upload of this key. @param announced the size of a file whose token does not fix it */
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

  /** Records activity before part `number` is sent, while the upload is open. */
  async touch(access: Access, number?: number): Promise<TouchAnswer> {
    const state = this.#find(access)
    if (!state) return NOT_FOUND
    const answer = admit(state, 1, 0, 0)
    const now = Date.now()
    if (state.phase.status === 'open' && now - state.phase.activeAt >= ACTIVITY_MS) {
      this.#commit({ ...state, phase: { status: 'open', activeAt: now } })
    }
    // A Worker of the previous version does not send the number.
    const planned = number === undefined ? null : plannedBytes(state.request, number)
    return answer.ok && planned !== null ? { ok: true, plannedBytes: planned } : answer
  }

  /** Whether a part of this number and size is accepted. Called before its bytes are stored. */
  async admit(uploadId: string, number: number, size: number): Promise<AdmitAnswer> {
    const state = this.#find({ uploadId })
    if (!state) return NOT_FOUND
    const answer = admit(state, number, size, this.#bytesBeside(number))
    if (answer.ok) this.#underWay.set(number, size)
    return answer
  }

  /** R2 has stored a part: a fact, which is recorded even if it is too late to be used. */
  async partStored(uploadId: string, part: Part): Promise<{ ok: true }> {
    if (!this.#find({ uploadId })) return { ok: true }
    // A Worker of the previous version does not send the checksum.
    this.#store.savePart({ ...part, md5: part.md5 ?? null })
    this.#underWay.delete(part.number)
    return { ok: true }
  }

  /**
   * Whether these parts make a complete file. `listed` replaces this actor's records when the parts were sent to R2
   * without passing the Worker. For a complete upload, returns its result.
   */
  async checkParts(
    access: Access,
    claimed: { number: number; etag: string }[],
    listed: Part[] | null,
  ): Promise<PartsAnswer> {
    const state = this.#find(access)
    if (!state) return NOT_FOUND
    const { request, phase } = state
    if (phase.status === 'complete') {
      return { ok: true, done: { size: phase.size, etag: phase.etag }, request, parts: [] }
    }
    const verdict = checkParts(request, listed ?? this.#store.parts(), claimed)
    return verdict.ok ? { ok: true, done: null, request, parts: verdict.parts } : verdict
  }

  /** The former name of `checkParts`, for the previous release; dropped with the next one. */
  async judge(access: Access, claimed: { number: number; etag: string }[], listed: Part[] | null) {
    return this.checkParts(access, claimed, listed)
  }

  /** R2 has completed the file: a fact. */
  async completed(uploadId: string, object: { size: number; etag: string }): Promise<{ ok: true }> {
    const state = this.#find({ uploadId })
    if (state && state.phase.status !== 'complete') {
      this.#commit({ ...state, phase: { status: 'complete', at: Date.now(), ...object } })
    }
    return { ok: true }
  }

  /** Aborts the upload; a complete one is not changed. */
  async abort(access: Access): Promise<AdmitAnswer> {
    const state = this.#state
    if (!state || !isOf(state, access)) return NOT_FOUND
    this.#abort(state)
    return { ok: true }
  }

  /** The upload's job was deleted. */
  async abandon(): Promise<{ ok: true }> {
    if (this.#state) this.#abort(this.#state)
    return { ok: true }
  }

  /** Never throws for an expected failure, and always sets the next alarm while there is work left. */
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

  /** Aborts the upload in R2. @throws when R2 could not be reached, so that the call must be repeated */
  async #giveUp({ request, phase }: UploadState): Promise<void> {
    try {
      await this.env.VIDEOS.resumeMultipartUpload(request.key, request.uploadId).abort()
    } catch (error) {
      const last = phase.status === 'aborting' && phase.tries >= MAX_ABORT_TRIES
      if (!last && !GONE.test(String(error))) throw error
    }
  }

  /** Deletes the job's record of this upload. */
  async #forget({ request }: UploadState): Promise<void> {
    if (request.jobId === null) return
    await this.env.DB.prepare('DELETE FROM job_uploads WHERE job_id = ? AND upload_key = ?')
      .bind(request.jobId, request.key)
      .run()
  }

  #announce(state: UploadState, { sizeBytes, partBytes }: Announced): UploadRequest {
    const request = announcedAnew(state, sizeBytes, partBytes)
    if (!request) return state.request
    // Parts of another file neither count towards this one nor belong to it.
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

  /** An upload that is being aborted does not exist for any caller. */
  #find(access: { uploadId: string; projectId?: number | null }): UploadState | null {
    const state = this.#state
    return state && state.phase.status !== 'aborting' && isOf(state, access) ? state : null
  }

  #commit(state: UploadState): void {
    this.#store.save(state)
    this.#state = state
    void this.ctx.storage.setAlarm(wakeAt(state))
  }

  /** Sets a lost alarm again. */
  async #rearm(): Promise<void> {
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
