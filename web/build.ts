/**
 * `npm run build:web`: bundles the pages into `web/dist`, which wrangler serves beside the API. wrangler runs it before
 * every start and deployment. File names contain a hash of their content, so that they can be cached indefinitely;
 * `/client.js` and `index.html` keep their names and are revalidated.
 */
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, type BuildResult, build } from 'esbuild'
import { fontPaths } from '../runpod-local/worker/text/font-files.ts'
import { guides, readGuides } from './guides.ts'
import { type Files, filesUnder, publish } from './publish.ts'
import { reference } from './reference.ts'
import { repositoryOf } from './repository.ts'

const WEB = dirname(fileURLToPath(import.meta.url))
const ROOT = dirname(WEB)
const DIST = join(WEB, 'dist')

const common = {
  absWorkingDir: ROOT,
  bundle: true,
  minify: true,
  format: 'esm',
  // The oldest browsers that send Fetch Metadata, which distinguishes visits of pages from calls of the API.
  target: ['es2022', 'chrome100', 'firefox100', 'safari16.4'],
  legalComments: 'none',
  metafile: true,
  write: false,
  logLevel: 'warning',
} satisfies BuildOptions

type Built = BuildResult<typeof common>

const [pages, client] = await Promise.all([
  build({
    ...common,
    entryPoints: { app: join(WEB, 'src/app.tsx') },
    outdir: join(DIST, 'assets'),
    splitting: true,
    sourcemap: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
  }),
  // A separate bundle, so that other pages can import a single file without dependencies.
  build({
    ...common,
    entryPoints: [join(ROOT, 'client/index.ts')],
    outfile: join(DIST, 'client.js'),
    sourcemap: true,
  }),
])

const packageJson = await readFile(join(ROOT, 'package.json'), 'utf8')
const bundled = new Map([...outputsOf(pages), ...outputsOf(client)])
await publish(
  DIST,
  new Map([
    ...bundled,
    ...(await filesUnder(join(WEB, 'static'))),
    ...(await guides(ROOT, repositoryOf(JSON.parse(packageJson).repository))),
    ...reference(JSON.parse(await readFile(join(ROOT, 'openapi.json'), 'utf8')), await readGuides(ROOT)),
    // The page at /docs/console.
    ...(await swaggerUi()),
    ...(await fonts()),
    // Last, since it contains the names of the other files.
    ['index.html', await indexPage(pages)],
  ]),
)
printSizes(bundled)

/** The installed fonts of the workers, unmodified, for the preview. */
async function fonts(): Promise<Files> {
  return new Map(
    await Promise.all(
      fontPaths().map(async (path) => [`fonts/${basename(path)}`, await readFile(path)] as const),
    ),
  )
}

/** Two of its files; its source maps and other builds are not served. */
async function swaggerUi(): Promise<Files> {
  const names = ['swagger-ui-bundle.js', 'swagger-ui.css']
  const from = join(ROOT, 'node_modules/swagger-ui-dist')
  return new Map(
    await Promise.all(
      names.map(async (name) => [`swagger/${name}`, await readFile(join(from, name))] as const),
    ),
  )
}

function outputsOf({ outputFiles }: Built): Files {
  return new Map(outputFiles.map(({ path, contents }) => [relative(DIST, path), contents]))
}

/** The HTML page, with the file names of this build. */
async function indexPage({ metafile }: Built): Promise<Uint8Array> {
  const [app, { cssBundle = null } = {}] =
    Object.entries(metafile.outputs).find(
      ([path, { entryPoint }]) => entryPoint === 'web/src/app.tsx' && path.endsWith('.js'),
    ) ?? []
  if (!app) throw new Error('The build made no script.')
  if (!cssBundle) throw new Error('The build made no stylesheet.')
  const url = (path: string) => `/assets/${basename(path)}`
  const names = new Map([
    ['APP_JS', url(app)],
    ['APP_CSS', url(cssBundle)],
  ])
  const template = await readFile(join(WEB, 'src/index.html'), 'utf8')
  const page = template.replace(/%(\w+)%/g, (_, name: string) => {
    const value = names.get(name)
    if (!value) throw new Error(`index.html names %${name}%, which is unknown.`)
    return value
  })
  return new TextEncoder().encode(page)
}

function printSizes(files: Files): void {
  const kb = (bytes: number) => `${(bytes / 1024).toFixed(1)} kB`.padStart(10)
  const shown = [...files].filter(([name]) => !name.endsWith('.map'))
  for (const [name, bytes] of shown.sort(([, a], [, b]) => b.length - a.length)) {
    console.log(`${kb(bytes.length)}  gzip ${kb(gzipSync(bytes).length)}  ${name}`)
  }
}
