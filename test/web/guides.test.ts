import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { guides, readGuides } from '../../web/guides.ts'
import { reference } from '../../web/reference.ts'
import { repositoryOf } from '../../web/repository.ts'

const ROOT = resolve(import.meta.dirname, '../..')
/** Other pages of the deployment, which guides link to. */
const ELSEWHERE = ['/', '/docs', '/docs/console', '/openapi.json']

describe('The guides below /docs/', () => {
  let files: Map<string, string>
  let home: string
  const pages = () => [...files].filter(([name]) => name.endsWith('.html'))
  const build = async (repository: string | undefined) => {
    const built = await guides(ROOT, repositoryOf(repository))
    return new Map([...built].map(([name, bytes]) => [name, new TextDecoder().decode(bytes)]))
  }
  beforeAll(async () => {
    files = await build(undefined)
    const document = JSON.parse(readFileSync(join(ROOT, 'openapi.json'), 'utf8'))
    const bytes = reference(document, await readGuides(ROOT)).get('docs.html')
    home = new TextDecoder().decode(bytes)
  })

  test('are every page of docs/, and the READMEs, as HTML and as Markdown', () => {
    const names = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'))
    const expected = [...names.map((name) => name.slice(0, -3)), 'readme', 'client']
    for (const name of expected) {
      expect(files.get(`docs/${name}.html`)).toMatch(/<h1 id="[^"]+">/)
      expect(files.get(`docs/${name}.md`)).toMatch(/^# /m)
    }
    expect(files.get('docs/deploy.md')).toBe(readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8'))
  })

  test('lead nowhere that is not served', () => {
    const broken = pages().flatMap(([name, html]) =>
      [...html.matchAll(/(?:href|src)="([^"]+)"/g)].flatMap(([, target = '']) => {
        if (/^https?:/.test(target)) return []
        const [path = '', anchor] = target.split('#')
        if (path.endsWith('.svg') && path === '/favicon.svg') return []
        const page = path === '' ? html : path === '/docs' ? home : files.get(`${path.slice(1)}.html`)
        const served =
          ELSEWHERE.includes(path) ||
          path === '/docs/guide.css' ||
          files.has(path.slice(1)) ||
          page !== undefined
        const found = anchor === undefined || page?.includes(`id="${anchor}"`)
        return served && found ? [] : [`${name}: ${target}`]
      }),
    )
    expect(broken).toEqual([])
  })

  test('run no script and load nothing from elsewhere', () => {
    const loads = pages().flatMap(([name, html]) =>
      [...html.matchAll(/<script|(?<=src=")https?:[^"]*/g)].map(([what]) => `${name}: ${what}`),
    )
    expect(loads).toEqual([])
  })

  test('are all named in llms.txt, which says what each is about', () => {
    const list = files.get('docs/llms.txt') ?? ''
    const named = [...list.matchAll(/^- \[[^\]]+\]\(\/(docs\/[\w-]+\.md)\): \S.{20}/gm)].map(
      ([, name]) => name,
    )
    expect(named.sort()).toEqual([...files.keys()].filter((name) => name.endsWith('.md')).sort())
    expect(list).toMatch(/^# Exportal\n\n> A self-hosted control plane/)
  })

  test('lead to the code where the repository has an address', async () => {
    const linked = await build('https://github.com/acme/exportal')
    const address = 'https://github.com/acme/exportal/blob/HEAD/actors/export-job/store-schema.ts'
    expect(linked.get('docs/deploy.html')).toContain(`<a href="${address}"><code>store-schema.ts</code></a>`)
    expect(files.get('docs/deploy.html')).toContain('(<code>store-schema.ts</code>)')
  })
})
