/**
 * `/docs`: an overview and every API call, as plain HTML generated from `openapi.json` when the pages are built. A
 * console that parses the whole document in the browser takes seconds to render; this page is static, and links to the
 * console at `/docs/console` for trying calls with a token.
 */
import { Marked } from 'marked'
import { pageOf } from './guides.ts'
import type { Files } from './publish.ts'
import { samplesOf } from './samples.ts'

interface Ref {
  $ref: string
}

/** The part of OpenAPI 3.1 that is used here. */
interface Schema {
  type?: string | string[]
  format?: string
  description?: string
  enum?: unknown[]
  const?: unknown
  oneOf?: (Schema | Ref)[]
  anyOf?: (Schema | Ref)[]
  items?: Schema | Ref
  properties?: Record<string, Schema | Ref>
  required?: string[]
}

interface Content {
  content?: Record<string, { schema?: Schema | Ref; examples?: Record<string, { value?: unknown }> }>
}

interface Parameter {
  name: string
  in: string
  required?: boolean
  description?: string
  schema?: Schema | Ref
  example?: unknown
}

interface Operation {
  operationId: string
  summary: string
  description?: string
  tags: string[]
  security?: Record<string, string[]>[]
  parameters?: (Parameter | Ref)[]
  requestBody?: Content | Ref
  responses: Record<string, (Content & { description: string }) | Ref>
}

export interface Document {
  info: { description: string }
  paths: Record<string, { parameters?: (Parameter | Ref)[] } & Partial<Record<Method, Operation>>>
}

/** An operation with its context in the document. */
export interface Call {
  method: string
  path: string
  operation: Operation
  parameters: Parameter[]
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const
type Method = (typeof METHODS)[number]
const MAX_DEPTH = 3

/** @param document of this service @param guides names and titles of the other pages */
export function reference(document: Document, guides: { name: string; title: string }[]): Files {
  const about = new Reference(document)
  const encode = (text: string) => new TextEncoder().encode(text)
  const files: Files = new Map()
  for (const tag of about.tags) {
    files.set(`docs/${fileOf(tag)}.html`, encode(pageOf(`${tag}: the API`, about.pageOf(tag))))
  }
  files.set('docs.html', encode(pageOf('Documentation', about.home(guides))))
  return files
}

function fileOf(tag: string): string {
  return `api-${tag.toLowerCase().replaceAll(/\W+/g, '-')}`
}

class Reference {
  readonly #document: Document
  readonly #marked = new Marked()
  readonly #calls: Call[]

  constructor(document: Document) {
    this.#document = document
    this.#calls = Object.entries(document.paths).flatMap(([path, item]) =>
      METHODS.flatMap((method) => {
        const operation = item[method]
        if (!operation) return []
        const given = [...(item.parameters ?? []), ...(operation.parameters ?? [])]
        return [
          { method: method.toUpperCase(), path, operation, parameters: given.map((each) => this.#at(each)) },
        ]
      }),
    )
  }

  get tags(): string[] {
    return [...new Set(this.#calls.map(({ operation }) => operation.tags[0] ?? 'Other'))]
  }

  home(guides: { name: string; title: string }[]): string {
    const lists = this.tags.map((tag) => {
      const rows = this.#of(tag).map(
        ({ method, path, operation }) =>
          `<li><a href="/docs/${fileOf(tag)}#${operation.operationId}">${text(operation.summary)}</a> <code>${method} ${text(path)}</code></li>`,
      )
      return `<h3 id="${fileOf(tag)}"><a href="/docs/${fileOf(tag)}">${tag}</a></h3><ul class="calls">${rows.join('')}</ul>`
    })
    const others = guides.map(({ name, title }) => `<li><a href="/docs/${name}">${text(title)}</a></li>`)
    return `<h1>Documentation</h1>${this.#prose(this.#document.info.description)}
<h2 id="quick-start">Quick start</h2>
<ol>${QUICK_START.map(([words, id]) => `<li>${words}${this.#sampleOf(id)}</li>`).join('')}</ol>
<h2 id="guides">Guides</h2><ul class="guides">${others.join('')}</ul>
<h2 id="api">The API</h2>
<p>The document itself: <a href="/openapi.json">OpenAPI 3.1</a>. To try calls with a token of yours: <a href="/docs/console">the console</a>.</p>
${lists.join('\n')}`
  }

  pageOf(tag: string): string {
    const calls = this.#of(tag)
    const entries = calls.map(
      ({ operation }) => `<li><a href="#${operation.operationId}">${text(operation.summary)}</a></li>`,
    )
    return `<h1>${tag}</h1><ul>${entries.join('')}</ul>${calls.map((call) => this.#call(tag, call)).join('\n')}`
  }

  #of(tag: string): Call[] {
    return this.#calls.filter(({ operation }) => operation.tags.includes(tag))
  }

  #sampleOf(id: string): string {
    const call = this.#calls.find(({ operation }) => operation.operationId === id)
    if (!call) throw new Error(`The quick start names ${id}, which is no operation.`)
    return this.#samples(call)
  }

  #call(tag: string, call: Call): string {
    const { method, path, operation, parameters } = call
    const { operationId, summary, description = '' } = operation
    const console = `/docs/console#/${encodeURIComponent(tag.replaceAll(' ', '_'))}/${operationId}`
    const inputs = parameters.map((each) => ({
      name: each.name,
      where: each.in,
      required: each.required === true,
      schema: this.#at(each.schema ?? {}),
      description: each.description ?? '',
    }))
    const body = operation.requestBody && this.#at(operation.requestBody)
    const [type, media] = Object.entries(body?.content ?? {})[0] ?? []
    const answers = Object.entries(operation.responses).map(([status, answer]) => {
      const { description, content } = this.#at(answer)
      const [, first] = Object.entries(content ?? {})[0] ?? []
      const fields = Number(status) < 400 ? this.#fields(first?.schema, `Answer ${status}`) : ''
      return `<dt><code>${status}</code></dt><dd>${this.#inline(description)}${fields}</dd>`
    })
    return `<section class="call" aria-labelledby="${operationId}">
<h2 id="${operationId}">${text(summary)}</h2>
<p><code class="verb">${method}</code> <code>${text(path)}</code> <a href="${console}">Try it<span class="hidden"> in the console: ${text(summary)}</span></a></p>
${this.#prose(description)}<p class="quiet">${this.#access(operation)}</p>${this.#samples(call)}
${inputs.length > 0 ? `<h3>Parameters</h3>${this.#table(inputs)}` : ''}
${media ? `<h3>Body <code>${type}</code></h3>${this.#fields(media.schema, 'Fields', true)}` : ''}
<h3>Answers</h3><dl>${answers.join('')}</dl></section>`
  }

  #access({ security = [] }: Operation): string {
    const ways = security.map((way) =>
      Object.entries(way)
        .map(([name, scopes]) =>
          [WAYS[name] ?? name, ...scopes.map((scope) => `<code>${scope}</code>`)].join(' '),
        )
        .join(' and '),
    )
    return ways.length === 0 ? 'Open to everybody.' : `Needs ${ways.join(', or ')}.`
  }

  #samples(call: Call): string {
    const body = call.operation.requestBody && this.#at(call.operation.requestBody)
    const [type = '', media] = Object.entries(body?.content ?? {})[0] ?? []
    const [example] = Object.values(media?.examples ?? {})
    const value = example?.value
    const panes = samplesOf(call, type, value).map(
      ({ name, code }, index) =>
        `<details name="${call.operation.operationId}"${index === 0 ? ' open' : ''}><summary>${name}</summary><pre tabindex="0"><code>${text(code)}</code></pre></details>`,
    )
    return `<div class="samples">${panes.join('')}</div>`
  }

  /** The fields of an object, collapsed by default. */
  #fields(schema: Schema | Ref | undefined, title: string, open = false): string {
    if (!schema) return ''
    const inner = this.#shape(schema, 0)
    return inner && `<details${open ? ' open' : ''}><summary>${title}</summary>${inner}</details>`
  }

  #shape(given: Schema | Ref, depth: number): string {
    const schema = this.#at(given)
    const several = schema.oneOf ?? schema.anyOf
    if (several && !schema.properties) {
      const shapes = several.map((each) => this.#shape(each, depth)).filter(Boolean)
      return shapes.join('<p class="quiet">or</p>')
    }
    if (schema.type === 'array' && schema.items) return this.#shape(schema.items, depth)
    const rows = Object.entries(schema.properties ?? {}).map(([name, each]) => {
      const own = this.#at(each)
      return {
        name,
        where: '',
        required: schema.required?.includes(name) ?? false,
        schema: own,
        description: own.description ?? '',
      }
    })
    return rows.length === 0 ? '' : this.#table(rows, depth)
  }

  #table(
    rows: { name: string; where: string; required: boolean; schema: Schema; description: string }[],
    depth = 0,
  ): string {
    const cells = rows.map(({ name, where, required, schema, description }) => {
      const nested = depth < MAX_DEPTH ? this.#shape(schema, depth + 1) : ''
      const more = nested && `<details><summary>Its fields</summary>${nested}</details>`
      const notes = [where === 'query' ? '' : where, required ? 'required' : ''].filter(Boolean).join(', ')
      return `<tr><td><code>${text(name)}</code></td><td>${this.#typeOf(schema)}${notes && `<br>${notes}`}</td><td>${this.#inline(description)}${more}</td></tr>`
    })
    return `<table tabindex="0"><thead><tr><th>Name</th><th>Type</th><th>Meaning</th></tr></thead><tbody>${cells.join('')}</tbody></table>`
  }

  #typeOf(given: Schema | Ref): string {
    const schema = this.#at(given)
    if (schema.enum) return schema.enum.map((each) => `<code>${text(String(each))}</code>`).join(' ')
    if ('const' in schema) return `<code>${text(String(schema.const))}</code>`
    const several = schema.oneOf ?? schema.anyOf
    if (several) return [...new Set(several.map((each) => this.#typeOf(each)))].join(' or ')
    if (schema.type === 'array' && schema.items) return `list of ${this.#typeOf(schema.items)}`
    const type = Array.isArray(schema.type) ? schema.type.join(' or ') : (schema.type ?? 'any JSON')
    return schema.format ? `${type}, ${schema.format}` : type
  }

  #at<T extends object>(given: T | Ref): T {
    let found: unknown = given
    while (found !== null && typeof found === 'object' && '$ref' in found) {
      const names: string[] = String(found.$ref).slice(2).split('/')
      found = names.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], this.#document)
    }
    return found as T
  }

  #prose(markdown: string): string {
    return this.#marked.parse(markdown, { async: false })
  }

  #inline(markdown: string): string {
    return this.#marked.parseInline(markdown, { async: false })
  }
}

const WAYS: Readonly<Record<string, string>> = {
  token: 'a token with',
  queryToken: '<code>?token=</code> with',
  callbackToken: 'the attempt’s callback token',
  signature: 'a signed address',
  expiry: 'its expiry',
}

const QUICK_START: [words: string, operationId: string][] = [
  [
    'Ask where to put the video, then <code>PUT</code> it there with the <code>headers</code> of the answer.',
    'createUploadUrl',
  ],
  ['Ask for an export of the <code>video_key</code>.', 'createJob'],
  [
    'Wait for it: <code>?wait=30</code> answers as soon as it changes, a <a href="/docs/api-jobs#watchJob">WebSocket</a> tells each percent, a <a href="/docs/webhooks">webhook</a> comes to you. The finished file is at its <code>output_url</code>.',
    'readJob',
  ],
]

function text(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}
