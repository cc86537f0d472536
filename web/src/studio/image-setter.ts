import type { JobTypeInfo } from '../../../client/index.ts'
import { replacedAt } from '../form/pointer.ts'
import { isObject, ownValue } from '../form/schema.ts'
import { exportal, projectId } from '../service.ts'
import { loadPart } from '../ui/load-part.ts'
import { rememberLocal } from '../upload/local-files.ts'
import { firstParams } from './suggestions.ts'
import type { Edit, Edits } from './use-edits.ts'

/**
 * A function that stores an image and sets its key in the params. They may be edited during the upload: the key is set
 * in their current state, where the field is by then, and nowhere when its item was removed.
 */
export function imageSetter(edits: Edits, type: JobTypeInfo | undefined) {
  return async (pointer: string, file: File): Promise<void> => {
    if (!type) return
    const { name, params: schema } = type
    const paramsOf = ({ drafts }: Edit) => ownValue(drafts, name) ?? firstParams(name, schema)
    const before = paramsOf(edits.now())
    const key = await stored(file)
    const now = edits.now()
    const params = replacedAt(before, paramsOf(now), pointer.replace(/^\/params/, ''), key)
    if (isObject(params)) edits.change({ drafts: { ...now.drafts, [name]: params } }, true)
  }
}

async function stored(file: File): Promise<string> {
  if (file.size === 0) throw new Error('This file is empty.')
  await loadPart('client-upload', () => import('../../../client/upload.ts'))
  const { video_key: key } = await exportal.uploadVideo(file, { projectId: projectId() })
  rememberLocal(key, file)
  return key
}
