/**
 * A fake of Cloudflare for deployments, on loopback: the part of its API that wrangler calls, over an account that
 * starts empty, and the edge that then serves what was uploaded. D1 is a real SQLite. Answers have the shapes and codes
 * that wrangler parses; unknown calls are answered with 404 and recorded, so that no test passes by accident.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { readSettings, type SettingsEnv } from '../../../actors/shared/settings.ts'

export const ACCOUNT = '0123456789abcdef0123456789abcdef'

/** A call of the API as named in tests: method and path, with placeholders for ids and names. */
export type Call = string

/** `refuse`: 500, without effect. `lose`: with effect, but without an answer. */
export type Fault = 'refuse' | 'lose'

interface Version {
  id: string
  vars: Record<string, string>
  secrets: string[]
}

interface Script {
  versions: Version[]
  secrets: Map<string, string>
  migrationTag: string | null
  /** Whether it is served at workers.dev. */
  subdomain: boolean
  domains: string[]
  crons: string[]
}

interface Database {
  uuid: string
  sqlite: DatabaseSync
  bytes: number | null
}

type Reply = { status: number; code: number; message: string } | { result: unknown }
const ok = (result: unknown): Reply => ({ result })
const no = (status: number, code: number, message: string): Reply => ({ status, code, message })

export class Cloudflare {
  readonly databases = new Map<string, Database>()
  readonly buckets = new Set<string>()
  readonly scripts = new Map<string, Script>()
  /** The subdomain of workers.dev; null before it was registered. */
  subdomain: string | null = 'acme'
  /** Domains with zones in this account. */
  zones: readonly string[] = ['acme.org']
  /** Hosts with a DNS record of their own. */
  readonly records = new Set<string>()
  /** Hosts without a certificate yet. */
  readonly unreachable = new Set<string>()
  /** The version that the edge serves instead of the newest, by script. */
  readonly stale = new Map<string, string>()
  readonly calls: Call[] = []
  readonly unknown: Call[] = []
  fault: ((call: Call) => Fault | null) | null = null
  readonly #server: Server
  #url = ''

  constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(({ status, body, lost }) => {
        if (lost) request.socket.destroy()
        else response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
      })
    })
  }

  async start(): Promise<void> {
    await new Promise<void>((settle) => this.#server.listen(0, '127.0.0.1', settle))
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('No port.')
    this.#url = `http://127.0.0.1:${address.port}/client/v4`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((settle) => this.#server.close(settle))
    for (const { sqlite } of this.databases.values()) sqlite.close()
  }

  /** Environment variables that make wrangler use this server. */
  get env(): Record<string, string> {
    return {
      CLOUDFLARE_API_BASE_URL: this.#url,
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
      CLOUDFLARE_API_TOKEN: 'a-token-of-the-rehearsal',
    }
  }

  script(name: string): Script {
    const script = this.scripts.get(name)
    if (!script) throw new Error(`There is no Worker ${name}.`)
    return script
  }

  /** The draft Worker that `wrangler secret put` creates for an unknown name. */
  draft(name: string, secrets: Record<string, string>): void {
    this.scripts.set(name, draft(secrets))
  }

  tablesOf(database: string): string[] {
    const rows = this.databases
      .get(database)
      ?.sqlite.prepare("SELECT name FROM sqlite_schema WHERE type='table'")
    return (rows?.all() ?? []).map(({ name }) => String(name))
  }

  /**
   * The edge: the script at that host answers as the service would, by its own rules for settings. @throws TypeError
   * without one
   */
  async fetch(address: string): Promise<Response> {
    const { host, pathname } = new URL(address)
    const found = [...this.scripts].find(
      ([name, { subdomain, domains }]) =>
        domains.includes(host) || (subdomain && host === `${name}.${this.subdomain}.workers.dev`),
    )
    if (!found || this.unreachable.has(host)) throw new TypeError('fetch failed')
    const [name, { versions, secrets }] = found
    const served = versions.find(({ id }) => id === this.stale.get(name)) ?? versions.at(-1)
    if (pathname === '/health') return Response.json({ status: 'ok', version: served?.id })
    const env: SettingsEnv = { ...served?.vars, ...Object.fromEntries(secrets) }
    const settings = readSettings(env)
    return settings.ok
      ? Response.json({ code: 'unauthorized' }, { status: 401 })
      : Response.json({ code: 'not_configured', detail: settings.missing.join(' and ') }, { status: 503 })
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown; lost: boolean }> {
    const body = await bodyOf(request)
    const path = new URL(request.url ?? '', 'http://api').pathname.replace(/^\/client\/v4/, '')
    const call = nameOf(request.method ?? '', path)
    this.calls.push(call)
    const fault = this.fault?.(call) ?? null
    const reply =
      fault === 'refuse'
        ? no(500, 10013, 'An unknown error has occurred.')
        : await this.#reply(call, path, request, body)
    if ('result' in reply) {
      return {
        status: 200,
        body: { success: true, errors: [], messages: [], result: reply.result },
        lost: fault === 'lose',
      }
    }
    const { status, code, message } = reply
    return {
      status,
      body: { success: false, errors: [{ code, message }], messages: [], result: null },
      lost: fault === 'lose',
    }
  }

  async #reply(call: Call, path: string, request: IncomingMessage, body: Buffer): Promise<Reply> {
    const words = path.split('/').slice(3)
    const handler = API[call]
    if (!handler) {
      this.unknown.push(call)
      return no(404, 7003, `This Cloudflare knows no ${call}.`)
    }
    return handler(this, words, { text: body.toString(), form: () => formOf(request, body) })
  }
}

interface Sent {
  text: string
  form(): Promise<FormData>
}

type Handler = (account: Cloudflare, words: string[], sent: Sent) => Reply | Promise<Reply>

/** By the names of calls. The arguments are the segments of the path after the account. */
const API: Record<Call, Handler> = {
  'GET /d1/database/:name': ({ databases }, [, , name = '']) => {
    const found = [...databases].find(([each, { uuid }]) => each === name || uuid === name)
    if (!found) return no(404, 7404, 'The database was not found.')
    const [title, { uuid, bytes }] = found
    return ok({
      uuid,
      name: title,
      version: 'production',
      created_at: CREATED,
      file_size: bytes ?? 4096,
      num_tables: 0,
    })
  },
  'POST /d1/database': ({ databases }, _, { text }) => {
    const { name } = JSON.parse(text)
    if (databases.has(name)) return no(400, 7502, 'A database with that name already exists.')
    databases.set(name, { uuid: randomUUID(), sqlite: new DatabaseSync(':memory:'), bytes: null })
    return ok({ uuid: databases.get(name)?.uuid, name })
  },
  'POST /d1/database/:name/query': ({ databases }, [, , uuid], { text }) => {
    const database = [...databases.values()].find((each) => each.uuid === uuid)
    return database
      ? query(database.sqlite, JSON.parse(text).sql)
      : no(404, 7404, 'The database was not found.')
  },
  // A token that may edit Workers, D1 and R2 may not read analytics.
  'POST /graphql': () => no(403, 10000, 'Authentication error'),
  'GET /r2/buckets/:name': ({ buckets }, [, , name = '']) =>
    buckets.has(name) ? ok({ name }) : no(404, 10006, 'The specified bucket does not exist.'),
  'GET /r2/buckets': ({ buckets }) => ok({ buckets: [...buckets].map((name) => ({ name })) }),
  'POST /r2/buckets': ({ buckets }, _, { text }) => {
    buckets.add(JSON.parse(text).name)
    return ok({})
  },
  'GET /workers/services/:name': (account, [, , name = '']) =>
    withScript(account, name, ({ migrationTag }) =>
      ok({
        default_environment: {
          environment: 'production',
          script: { tag: name, tags: [], migration_tag: migrationTag },
        },
      }),
    ),
  'GET /workers/scripts/:name/secrets': (account, [, , name = '']) =>
    withScript(account, name, ({ secrets }) =>
      ok([...secrets.keys()].map((each) => ({ name: each, type: 'secret_text' }))),
    ),
  'GET /workers/scripts/:name/settings': (account, [, , name = '']) =>
    withScript(account, name, () => ok({ bindings: [] })),
  'PATCH /workers/scripts/:name/script-settings': (account, [, , name = '']) =>
    withScript(account, name, () => ok({})),
  'POST /workers/scripts/:name/assets-upload-session': () => ok({ jwt: 'all.known.already', buckets: [] }),
  'PUT /workers/scripts/:name': async ({ scripts }, [, , name = ''], { form }) => {
    const metadata = metadataOf(await form())
    const script = scripts.get(name) ?? draft()
    scripts.set(name, script)
    script.migrationTag = metadata.migrations?.new_tag ?? script.migrationTag
    const version = addVersion(script, metadata)
    return ok({ id: name, tag: name, deployment_id: version.id.replaceAll('-', ''), startup_time_ms: 20 })
  },
  'POST /workers/scripts/:name/versions': async (account, [, , name = ''], { form }) => {
    const metadata = metadataOf(await form())
    return withScript(account, name, (script) => {
      const { id } = addVersion(script, metadata)
      return ok({ id, startup_time_ms: 20, resources: { script: { etag: id } } })
    })
  },
  'GET /workers/scripts/:name/versions/:id': (account, [, , name = '', , id]) =>
    withScript(account, name, ({ versions }) => {
      const version = versions.find((each) => each.id === id)
      const bindings = Object.entries(version?.vars ?? {}).map(([key, text]) => ({
        name: key,
        type: 'plain_text',
        text,
      }))
      return version
        ? ok({ id, metadata: { created_on: CREATED }, resources: { bindings } })
        : no(404, 10007, 'No version.')
    }),
  'POST /workers/scripts/:name/deployments': (account, [, , name = '']) =>
    withScript(account, name, () => ok({ id: randomUUID() })),
  'GET /workers/scripts/:name/deployments': (account, [, , name = '']) =>
    withScript(account, name, ({ versions }) => {
      const newest = versions.at(-1)
      if (!newest) return ok({ deployments: [] })
      const inService = [{ version_id: newest.id, percentage: 100 }]
      return ok({
        deployments: [
          {
            id: 'd',
            created_on: CREATED,
            author_email: 'a@acme.org',
            source: 'wrangler',
            versions: inService,
          },
        ],
      })
    }),
  'GET /workers/workers/:name': (account, [, , name = '']) =>
    withScript(account, name, ({ subdomain }) => {
      const url = account.subdomain && { url: `https://${name}.${account.subdomain}.workers.dev` }
      return ok({
        id: name,
        name,
        subdomain: { enabled: subdomain, previews_enabled: false, ...(subdomain && url) },
      })
    }),
  'GET /workers/subdomain': ({ subdomain }) =>
    subdomain ? ok({ subdomain }) : no(404, 10007, 'You do not have a workers.dev subdomain.'),
  'POST /workers/scripts/:name/subdomain': (account, [, , name = ''], { text }) =>
    withScript(account, name, (script) => {
      script.subdomain = JSON.parse(text).enabled
      return ok({ enabled: script.subdomain, previews_enabled: false })
    }),
  'POST /workers/scripts/:name/domains/changeset': (account, _, { text }) => {
    const origins: { hostname: string }[] = JSON.parse(text)
    return refusalOf(account, origins) ?? ok({ added: origins, removed: [], updated: [], conflicting: [] })
  },
  'PUT /workers/scripts/:name/domains/records': (account, [, , name = ''], { text }) =>
    withScript(account, name, (script) => {
      const { origins }: { origins: { hostname: string }[] } = JSON.parse(text)
      const refusal = refusalOf(account, origins)
      if (!refusal) script.domains = origins.map(({ hostname }) => hostname)
      return refusal ?? ok([])
    }),
  'PUT /workers/scripts/:name/schedules': (account, [, , name = ''], { text }) =>
    withScript(account, name, (script) => {
      script.crons = JSON.parse(text).map(({ cron }: { cron: string }) => cron)
      return ok({ schedules: [] })
    }),
}

function draft(secrets: Record<string, string> = {}): Script {
  return {
    versions: [],
    secrets: new Map(Object.entries(secrets)),
    migrationTag: null,
    subdomain: false,
    domains: [],
    crons: [],
  }
}

const CREATED = '2026-11-01T00:00:00Z'

/** Why a host is not attached. (Texts and codes: cloudflare/workers-sdk#2906 and #9878.) */
function refusalOf({ zones, records }: Cloudflare, [origin]: readonly { hostname: string }[]): Reply | null {
  const host = origin?.hostname ?? ''
  if (!zones.some((zone) => host === zone || host.endsWith(`.${zone}`)))
    return no(404, 10083, `workers.api.error.zone_not_found for "${host}"`)
  if (!records.has(host)) return null
  return no(409, 100117, `Hostname '${host}' already has externally managed DNS records (A, CNAME, etc).`)
}

function withScript({ scripts }: Cloudflare, name: string, answer: (script: Script) => Reply): Reply {
  const script = scripts.get(name)
  return script ? answer(script) : no(404, 10007, 'This Worker does not exist on your account.')
}

/** One statement returns its rows; several are executed atomically, as in D1. */
function query(sqlite: DatabaseSync, sql: string): Reply {
  try {
    if (/^\s*SELECT/i.test(sql))
      return ok([{ results: sqlite.prepare(sql).all(), success: true, meta: { duration: 1 } }])
    sqlite.exec('BEGIN')
    sqlite.exec(sql)
    sqlite.exec('COMMIT')
    return ok([{ results: [], success: true, meta: { duration: 1 } }])
  } catch (error) {
    if (sqlite.isTransaction) sqlite.exec('ROLLBACK')
    return no(400, 7500, String(error))
  }
}

interface Metadata {
  bindings: { type: string; name: string; text?: string }[]
  migrations?: { new_tag: string }
}

function metadataOf(form: FormData): Metadata {
  return JSON.parse(String(form.get('metadata')))
}

function addVersion(script: Script, { bindings }: Metadata): Version {
  const texts = (type: string) =>
    bindings.filter((each) => each.type === type).map(({ name, text = '' }) => [name, text] as const)
  for (const [name, text] of texts('secret_text')) script.secrets.set(name, text)
  const version = {
    id: randomUUID(),
    vars: Object.fromEntries(texts('plain_text')),
    secrets: [...script.secrets.keys()],
  }
  script.versions.push(version)
  return version
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part)
  return Buffer.concat(parts)
}

function formOf({ headers }: IncomingMessage, body: Buffer): Promise<FormData> {
  const type = headers['content-type'] ?? ''
  return new Response(new Uint8Array(body), { headers: { 'Content-Type': type } }).formData()
}

function nameOf(method: string, path: string): Call {
  const short = path
    .replace(`/accounts/${ACCOUNT}`, '')
    .replace(/^(\/(?:d1\/database|r2\/buckets|workers\/(?:services|scripts|workers)))\/[^/]+/, '$1/:name')
    .replace(/\/versions\/[^/]+$/, '/versions/:id')
  return `${method} ${short}`
}
