/** One service for all files of a project: started before the first, stopped after the last. */
import type { TestProject } from 'vitest/node'
import { startStack } from './started-stack.ts'

declare module 'vitest' {
  interface ProvidedContext {
    stack: { url: string; runpodUrl: string; webhookSecret: string }
  }
}

/** The size limit of one PUT here: more than two seconds of the clip, less than six. */
const MAX_PUT_BYTES = 1_200_000

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const webhookSecret = `whsec_${Buffer.from('a webhook secret of this test').toString('base64')}`
  const vars = { WEBHOOK_SECRET: webhookSecret, MAX_PUT_BYTES: String(MAX_PUT_BYTES) }
  const { stack, stop } = await startStack('e2e', { vars })
  project.provide('stack', { url: stack.url, runpodUrl: stack.runpodUrl, webhookSecret })
  return stop
}
