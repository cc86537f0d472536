/** The page of a third-party app: Uppy as published on npm, configured with our endpoint, without any code of ours. */
import AwsS3 from '@uppy/aws-s3'
import Uppy from '@uppy/core'
import GoldenRetriever from '@uppy/golden-retriever'

declare global {
  interface Window {
    uppy: Uppy
    /** Set by the page's server. */
    companionEndpoint: string
    /** The results of the uploads, in order. */
    ended: { key: string | null; error: string | null }[]
  }
}

const uppy = new Uppy({ id: 'own-app' })
uppy.use(AwsS3, {
  companionEndpoint: window.companionEndpoint,
  shouldUseMultipart: true,
  getChunkSize: () => 16 * 1024 ** 2,
})
uppy.use(GoldenRetriever)

window.uppy = uppy
window.ended = []
uppy.on('upload-success', (_, { body }) => {
  window.ended.push({ key: String(body?.key), error: null })
})
uppy.on('upload-error', (_, error) => {
  window.ended.push({ key: null, error: error.message })
})

document.querySelector('input')?.addEventListener('change', ({ target }) => {
  const [file] = (target instanceof HTMLInputElement && target.files) || []
  if (!file) return
  uppy.addFile({ name: file.name, type: file.type, data: file })
  // A file restored after a reload, and chosen again, continues where it was.
  if (uppy.getState().recoveredState) uppy.emit('restore-confirmed')
  else void uppy.upload()
})
