/** A page as an app of one's own has it: Uppy as it comes from npm, told where to send, and nothing of ours. */
import AwsS3 from '@uppy/aws-s3'
import Uppy from '@uppy/core'
import GoldenRetriever from '@uppy/golden-retriever'

declare global {
  interface Window {
    uppy: Uppy
    /** Set by the page's server. */
    companionEndpoint: string
    /** What the uploads ended with, in order. */
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
  // A file that came back after a reload, and is chosen again, goes on where it stood.
  if (uppy.getState().recoveredState) uppy.emit('restore-confirmed')
  else void uppy.upload()
})
