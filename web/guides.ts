/**
 * Renders the guides as pages below `/docs/`, so that a deployment contains its own documentation: each as HTML and as
 * its Markdown source, which `/docs/llms.txt` lists (https://llmstxt.org). References to code are links to `repository`
 * in package.json, or plain text when it is unset.
 */
import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join, posix } from 'node:path'
import { Marked, type Tokens } from 'marked'
import type { Files } from './publish.ts'
import type { Repository } from './repository.ts'

/** Guides outside of docs/. */
const MORE = new Map([
  ['README.md', 'readme'],
  ['client/README.md', 'client'],
  ['gpu-worker/README.md', 'gpu-worker-image'],
  ['runpod-local/README.md', 'runpod-local'],
])

export interface Guide {
  /** Path in the repository. */
  path: string
  /** Name of the page: `/docs/<name>`. */
  name: string
  title: string
  /** Its first paragraph on one line. */
  about: string
  markdown: string
}

/** Reads all guides. @param root directory of the repository */
export async function readGuides(root: string): Promise<Guide[]> {
  const inDocs = (await readdir(join(root, 'docs'))).filter((file) => file.endsWith('.md')).sort()
  const names = new Map([...MORE, ...inDocs.map((file) => [`docs/${file}`, basename(file, '.md')] as const)])
  return Promise.all(
    [...names].map(async ([path, name]) => guideOf(path, name, await readFile(join(root, path), 'utf8'))),
  )
}

/** @param root directory of the repository @param repository its web address */
export async function guides(root: string, repository: Repository | null): Promise<Files> {
  const all = await readGuides(root)
  const names = new Map(all.map(({ path, name }) => [path, name]))
  const files: Files = new Map()
  const add = (name: string, text: string) => files.set(`docs/${name}`, new TextEncoder().encode(text))
  for (const guide of all) {
    const { html, images } = render(guide, names, repository)
    add(`${guide.name}.html`, pageOf(guide.title, html))
    add(`${guide.name}.md`, guide.markdown)
    for (const image of images) files.set(`docs/images/${basename(image)}`, await readFile(join(root, image)))
  }
  const list = all.map(({ name, title, about }) => `- [${title}](/docs/${name}.md): ${about}`)
  const api = '- [The API](/openapi.json): OpenAPI 3.1, with a console at /docs/console'
  add('llms.txt', `# Exportal\n\n> ${all[0]?.about}\n\n## Guides\n\n${list.join('\n')}\n${api}\n`)
  const entries = all.map(
    ({ name, title, about }) => `<dt><a href="/docs/${name}">${title}</a></dt><dd>${about}</dd>`,
  )
  add('guides.html', pageOf('Guides', `<h1>Guides</h1><dl>${entries.join('')}</dl>`))
  return files
}

function guideOf(path: string, name: string, markdown: string): Guide {
  const tokens = new Marked().lexer(markdown)
  const [heading] = tokens.filter((token): token is Tokens.Heading => token.type === 'heading')
  const [paragraph] = tokens.filter((token): token is Tokens.Paragraph => token.type === 'paragraph')
  const about = (paragraph?.text ?? '').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/\s+/g, ' ')
  return { path, name, title: heading?.text ?? name, about, markdown }
}

/** The page's HTML, and the images of the repository that it contains. */
function render(
  { path, markdown }: Guide,
  names: ReadonlyMap<string, string>,
  repository: Repository | null,
): { html: string; images: string[] } {
  const images: string[] = []
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${anchorOf(text)}">${this.parser.parseInline(tokens)}</h${depth}>\n`
      },
      image({ href, text }) {
        // Images of other sites are replaced by their text, so that readers' requests are not disclosed to those sites.
        if (isAbsolute(href)) return text
        images.push(posix.join(dirname(path), href))
        return `<img src="/docs/images/${basename(href)}" alt="${text}" />`
      },
      link({ href, tokens }) {
        const target = isAbsolute(href) ? href : targetOf(path, href, names, repository)
        const words = this.parser.parseInline(tokens)
        return target === null ? words : `<a href="${target}">${words}</a>`
      },
    },
  })
  // Horizontally scrolling elements must be reachable by keyboard.
  const html = marked.parse(markdown, { async: false }).replace(/<(pre|table)>/g, '<$1 tabindex="0">')
  return { html, images }
}

function targetOf(
  from: string,
  href: string,
  names: ReadonlyMap<string, string>,
  repository: Repository | null,
): string | null {
  const [file = '', anchor] = href.split('#')
  if (file === '') return href
  const path = posix.join(dirname(from), file)
  const name = names.get(path)
  if (name) return `/docs/${name}${anchor ? `#${anchor}` : ''}`
  if (path === 'openapi.json') return '/openapi.json'
  return repository && `${repository.url}/blob/HEAD/${path}`
}

/** Whether it is a complete URL, or an absolute path of the service. */
function isAbsolute(href: string): boolean {
  return /^(?:[a-z]+:|\/)/.test(href)
}

/** The same anchors as on GitHub, where the guides are read too. */
function anchorOf(heading: string): string {
  const words = heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '')
  return words.trim().replace(/\s/g, '-')
}

/** A page in the common layout of `/docs`. */
export function pageOf(title: string, html: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title} · Exportal</title>
    <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
    <link rel="stylesheet" href="/docs/guide.css" />
  </head>
  <body>
    <nav aria-label="Documentation">
      <a href="/docs">Documentation</a> <a href="/docs/guides">Guides</a> <a href="/docs#api">API</a>
      <a href="/docs/console">Console</a> <a href="/">Studio</a>
    </nav>
    <main>
${html}    </main>
  </body>
</html>
`
}
