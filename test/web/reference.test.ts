import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readGuides } from '../../web/guides.ts'
import { type Document, reference } from '../../web/reference.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const document: Document = JSON.parse(readFileSync(join(ROOT, 'openapi.json'), 'utf8'))
const files = new Map(
  [...reference(document, await readGuides(ROOT))].map(([name, bytes]) => [
    name,
    new TextDecoder().decode(bytes),
  ]),
)
const operations = Object.values(document.paths).flatMap((item) =>
  (['get', 'post', 'put', 'patch', 'delete'] as const).flatMap((method) => item[method] ?? []),
)

describe('The API below /docs/', () => {
  test.each(operations)('has $operationId with its words and its samples in three languages', (operation) => {
    const home = files.get('docs.html') ?? ''
    const [, page = ''] = new RegExp(`href="/(docs/[\\w-]+)#${operation.operationId}"`).exec(home) ?? []
    const html = files.get(`${page}.html`) ?? ''
    const [, own = ''] = html.split(`<h2 id="${operation.operationId}">`)
    const [call = ''] = own.split('</section>')
    expect(call).toContain(`${operation.summary.slice(0, 20)}`)
    for (const language of ['curl', 'JavaScript', 'Python']) expect(call).toContain(`<summary>${language}`)
    for (const status of Object.keys(operation.responses)) expect(call).toContain(`<code>${status}</code>`)
  })

  test('follows references down to the fields', () => {
    const jobs = files.get('docs/api-jobs.html') ?? ''
    expect(jobs).toContain('<code>input_video_url</code>')
    expect(jobs).not.toContain('$ref')
  })

  test('writes JSON as Python has it, but not within a text', () => {
    const service = [...files.values()].join('')
    expect(service).toContain('json={')
    expect(service).not.toMatch(/json=\{[^<]*\bnull\b[^<]*<\/code>/)
  })

  test('runs no script', () => {
    for (const html of files.values()) expect(html).not.toContain('<script')
  })
})
