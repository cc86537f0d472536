/** The program run with the installed package in each kind of project: one export, from the file to its end. */
export const STORY = `import { createExports, type Job, type WebSocketLike } from 'exportal-client'
import { createJobStore } from 'exportal-client/store'
import { mediaTypeOf } from 'exportal-client/media-types'
import { verifyWebhook } from 'exportal-client/webhooks'

export interface Options {
  baseUrl: string
  token: string
  WebSocket?: WebSocketLike
}

/** What it saw, as one line. */
export async function exportOne(file: Blob, options: Options): Promise<string> {
  const exportal = createExports(options)
  const contentType = mediaTypeOf({ name: 'clip.mp4', type: '' })
  const { video_key } = await exportal.uploadVideo(file, { projectId: 1, filename: 'clip.mp4', contentType })
  const { job } = await exportal.jobs.create({
    project_id: 1,
    type: 'trim',
    input_video_key: video_key,
    params: { end_seconds: 1 },
  })
  const watch = exportal.jobs.watch(job)
  const lines: string[] = []
  for await (const update of watch) lines.push(update.type)
  const done: Job = await watch.done
  const told = await new Promise<number>((settle) => {
    const store = createJobStore(exportal, done)
    const stop = store.subscribe(() => {
      const { job } = store.getSnapshot()
      if (job?.status === 'complete') settle(job.progress)
    })
    void stop
  })
  const unsigned = await verifyWebhook({ payload: '{}', headers: {}, secret: 'whsec_AAAA' }).catch(
    (error: { code?: string }) => error.code,
  )
  const answer = await fetch(exportal.absolute(done.output_url ?? ''))
  const { size } = await answer.blob()
  return [done.status, told, lines.length > 0, size > 1_000, unsigned].join(' ')
}
`

export const SAID = 'complete 100 true true missing_header'
