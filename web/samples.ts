/** Examples of one call in three languages, with the values of the document's own examples. */
import type { Call } from './reference.ts'

export interface Sample {
  name: string
  code: string
}

const BASE = 'https://exports.example.com'

/** @param type media type of the body, empty without one @param body an example of it */
export function samplesOf(call: Call, type: string, body: unknown): Sample[] {
  const { method, operation, parameters } = call
  const url = urlOf(call)
  const open = (operation.security ?? []).length === 0
  const signed = operation.security?.every((way) => 'signature' in way) ?? false
  const headers = new Map<string, string>()
  if (!open && !signed) headers.set('Authorization', 'Bearer $TOKEN')
  if (type) headers.set('Content-Type', type)
  for (const each of parameters) {
    if (each.in === 'header' && each.required) headers.set(each.name, String(each.example ?? '…'))
  }
  const isFile = type !== '' && body === undefined
  return [
    { name: 'curl', code: curl(method, url, headers, body, isFile) },
    { name: 'JavaScript', code: javascript(method, url, headers, body, isFile) },
    { name: 'Python', code: python(method, url, headers, body, isFile) },
  ]
}

/** With the required parts of the path, and the example values of the query. */
function urlOf({ path, parameters }: Call): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (whole, name) => {
    const example = parameters.find((each) => each.in === 'path' && each.name === name)?.example
    return example === undefined ? whole : String(example)
  })
  const query = parameters.filter((each) => each.in === 'query' && each.required)
  const pairs = query.map(({ name, example }) => `${name}=${encodeURIComponent(String(example ?? '…'))}`)
  return `${BASE}${filled}${pairs.length > 0 ? `?${pairs.join('&')}` : ''}`
}

type Headers = ReadonlyMap<string, string>

function curl(method: string, url: string, headers: Headers, body: unknown, isFile: boolean): string {
  const lines = [`curl ${method === 'GET' ? '' : `-X ${method} `}"${url}"`]
  for (const [name, value] of headers) lines.push(`-H "${name}: ${value}"`)
  if (isFile) lines.push('--data-binary @clip.mp4')
  else if (body !== undefined) lines.push(`-d '${JSON.stringify(body, null, 2).replaceAll("'", "'\\''")}'`)
  return lines.join(' \\\n  ')
}

function javascript(method: string, url: string, headers: Headers, body: unknown, isFile: boolean): string {
  const fields = [`  method: '${method}',`]
  if (headers.size > 0) {
    const entries = [...headers].map(([name, value]) =>
      value.includes('$TOKEN') ? `'${name}': \`Bearer \${token}\`` : `'${name}': '${value}'`,
    )
    fields.push(`  headers: { ${entries.join(', ')} },`)
  }
  if (isFile) fields.push('  body: file,')
  else if (body !== undefined) {
    fields.push(`  body: JSON.stringify(${JSON.stringify(body, null, 2).replaceAll('\n', '\n  ')}),`)
  }
  return `const response = await fetch('${url}', {\n${fields.join('\n')}\n})\nif (!response.ok) throw new Error((await response.json()).detail)`
}

function python(method: string, url: string, headers: Headers, body: unknown, isFile: boolean): string {
  const given = [`"${method}"`, `"${url}"`]
  if (headers.size > 0) {
    const entries = [...headers].map(([name, value]) =>
      value.includes('$TOKEN') ? `"${name}": f"Bearer {token}"` : `"${name}": "${value}"`,
    )
    given.push(`headers={${entries.join(', ')}}`)
  }
  if (isFile) given.push('data=open("clip.mp4", "rb")')
  else if (body !== undefined) given.push(`json=${literal(body).replaceAll('\n', '\n    ')}`)
  return `import requests\n\nresponse = requests.request(\n    ${given.join(',\n    ')},\n)\nresponse.raise_for_status()`
}

/** JSON as a Python literal. */
function literal(value: unknown): string {
  const words = new Map([
    ['true', 'True'],
    ['false', 'False'],
    ['null', 'None'],
  ])
  return JSON.stringify(value, null, 4).replaceAll(
    /"(?:[^"\\]|\\.)*"|\b(?:true|false|null)\b/g,
    (part) => words.get(part) ?? part,
  )
}
