import { type Route, scoped, signed } from '../http/route.ts'
import { getVideo } from './download.ts'
import { completeUpload } from './multipart/complete.ts'
import { createUpload, createUploadToken } from './multipart/create.ts'
import { putPart } from './multipart/part.ts'
import { abortUpload, getParts, getProgress, refuseForm, signPart } from './multipart/uploads.ts'
import { putVideo } from './put.ts'
import { createUploadUrl } from './upload-url.ts'

const UPLOAD = '/api/uploads/:token/s3/multipart/:upload'

export const FILE_ROUTES: readonly Route[] = [
  scoped('POST', '/api/videos/upload-url', 'videos:write', createUploadUrl),
  signed('PUT', '/api/videos/upload/:key+', 'signed URL', putVideo),
  signed('GET', '/api/videos/download/:key+', 'signed URL or token', getVideo),

  scoped('POST', '/api/uploads', 'videos:write', createUploadToken),
  signed('PUT', '/api/uploads/part/:key+', 'signed URL', putPart),
  signed('POST', '/api/uploads/:token/s3/multipart', 'token in path', createUpload),
  signed('GET', UPLOAD, 'token in path', getParts),
  signed('DELETE', UPLOAD, 'token in path', abortUpload),
  signed('POST', `${UPLOAD}/complete`, 'token in path', completeUpload),
  signed('GET', `${UPLOAD}/progress`, 'token in path', getProgress),
  signed('GET', `${UPLOAD}/:part`, 'token in path', signPart),
  signed('GET', '/api/uploads/:token/s3/params', 'token in path', refuseForm),
]
