/** Uploads: the requests for them, and the plans in the answers. */

/** POST /api/videos/upload-url. */
export interface UploadRequest {
  filename: string
  /** A video type, image/png or image/jpeg; parameters are removed. */
  content_type: string
  size_bytes: number
  /** Required with a token that is not confined to a project. */
  project_id?: number
  /** The job that the file is for. */
  job_id?: string
}

/** How to upload a file in parts. */
export interface MultipartPlan {
  /** Contains its own authorization; also the `companionEndpoint` for Uppy. */
  companion_url: string
  /** Size of every part except the last, which holds the remainder. */
  part_size_bytes: number
  part_count: number
}

/** The answer: one PUT or, when `multipart` is set, an upload in parts. */
export interface UploadPlan {
  /** Null when the file is uploaded in parts. */
  upload_url: string | null
  video_key: string
  method: 'PUT'
  /** Exact size of the file to send. */
  size_bytes: number
  /** Headers to send with the PUT. */
  headers: Record<string, string>
  expires_at: string
  multipart?: MultipartPlan
}

/** The answer to the PUT of a file. */
export interface StoredVideo {
  key: string
  size: number
  etag: string
}

/** POST …/s3/multipart. Here and below, names are those of Uppy's Companion. */
export interface BeginUpload {
  /** Ignored, as is `type`, when the token is for one file and fixes both. */
  filename: string
  type: string
  size_bytes?: number
}

/** The answer to `BeginUpload`. */
export interface BegunUpload {
  key: string
  uploadId: string
  part_size_bytes: number
}

/** GET …/s3/multipart/:upload/:part. */
export interface SignedPart {
  url: string
  expires_at: string
  /** Size of this part by the upload's plan; null while the file's size is not known. */
  size_bytes: number | null
}

export interface UploadedPart {
  PartNumber: number
  ETag: string
}

/** An item of GET …/s3/multipart/:upload. */
export interface StoredPart extends UploadedPart {
  Size: number
  /** In hex; absent when storage does not return it. */
  MD5?: string
}

/** POST …/s3/multipart/:upload/complete. */
export interface CompleteUpload {
  parts: UploadedPart[]
}

/** The answer to `CompleteUpload`. */
export interface CompletedUpload {
  location: string
  key: string
  size: number
  etag: string
}
