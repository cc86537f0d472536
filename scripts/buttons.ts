/**
 * `npm run buttons`: writes derived files and texts. The buttons of the pages are derived from `repository` in
 * package.json, and omitted while it is unset, since they would have no target. `.runpod/Dockerfile`, which RunPod's
 * Hub builds from the repository's root, is the worker's own Dockerfile with other paths.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Repository, repositoryOf } from '../web/repository.ts'
import { ROOT } from './wrangler.ts'

const BUTTONS = /(<!-- buttons: npm run buttons -->\n)[\s\S]*?(<!-- \/buttons -->)/

/** The expected texts of files, by path. @throws when a page has no place for the buttons */
export function writtenFiles(root: string): Map<string, string> {
  const textOf = (path: string) => readFileSync(join(root, path), 'utf8')
  const buttons = buttonsOf(repositoryOf(JSON.parse(textOf('package.json')).repository))
  const pages = ['README.md', 'docs/deploy.md'].map(
    (path) => [path, withButtons(path, textOf(path), buttons)] as const,
  )
  return new Map([...pages, ['.runpod/Dockerfile', hubDockerfile(textOf('gpu-worker/Dockerfile'))]])
}

/** Markdown of both buttons; empty without a repository. */
export function buttonsOf(repository: Repository | null): string {
  if (!repository) return ''
  const { host, path, url } = repository
  const cloudflare = `https://deploy.workers.cloudflare.com/?url=${url}`
  const deploy = `[![Deploy to Cloudflare](https://deploy.workers.cloudflare.com/button)](${cloudflare})\n`
  // RunPod's Hub supports GitHub only.
  if (host !== 'github') return deploy
  return `${deploy}[![Runpod](https://api.runpod.io/badge/${path})](https://console.runpod.io/hub/${path})\n`
}

function withButtons(path: string, page: string, buttons: string): string {
  if (!BUTTONS.test(page)) throw new Error(`${path} has no place for the buttons.`)
  return page.replace(BUTTONS, (_, before: string, after: string) => `${before}${buttons}${after}`)
}

function hubDockerfile(dockerfile: string): string {
  const text = dockerfile.replace(/^COPY (?!--)(\S+) /gm, 'COPY gpu-worker/$1 ')
  return `# Made from gpu-worker/Dockerfile by npm run buttons.\n${text}`
}

if (import.meta.main) {
  for (const [path, text] of writtenFiles(ROOT)) {
    writeFileSync(join(ROOT, path), text)
    console.log(path)
  }
}
