/**
 * `npm run build:web`: bundles the pages into `web/dist`, which wrangler serves beside the API. wrangler runs it before
 * every start and deploy. Names carry a hash of their content and may be cached for ever; `/client.js` and `index.html`
 * keep their names and are asked about again.
 */
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, type BuildResult, build } from 'esbuild'
import { type Files, filesUnder, publish } from './publish.ts'

const WEB = dirname(fileURLToPath(import.meta.url))
const ROOT = dirname(WEB)
const DIST = join(WEB, 'dist')

const common = {
  absWorkingDir: ROOT,
  bundle: true,
  minify: true,
  format: 'esm',
  // The oldest browsers that say when they navigate, by which an address of a page is told from one of the API.
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
    entryPoints: { app: join(WEB, 'src/app.tsx'), uppy: join(WEB, 'src/upload/uppy.css') },
    outdir: join(DIST, 'assets'),
    splitting: true,
    sourcemap: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    // The font of the preview is served from static/, untouched.
    external: ['/fonts/*'],
  }),
  // On its own, so that other pages can import one file that needs no other.
  build({
    ...common,
    entryPoints: [join(ROOT, 'client/index.ts')],
    outfile: join(DIST, 'client.js'),
    sourcemap: true,
  }),
])

const bundled = new Map([...outputsOf(pages), ...outputsOf(client)])
await publish(
  DIST,
  new Map([
    ...bundled,
    ...(await filesUnder(join(WEB, 'static'))),
    // The page at /docs.
    ...(await swaggerUi()),
    ['fonts/DejaVuSans.ttf', await readFile(join(ROOT, 'node_modules/dejavu-fonts-ttf/ttf/DejaVuSans.ttf'))],
    // Last, because it names the others.
    ['index.html', await indexPage(pages)],
  ]),
)
printSizes(bundled)

/** Two files of it; its maps and its other builds are not served. */
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

/** The one page, with the names of this build filled in. */
async function indexPage({ metafile }: Built): Promise<Uint8Array> {
  const entry = (source: string, ending: string) => {
    const found = Object.entries(metafile.outputs).find(
      ([path, { entryPoint }]) => entryPoint === source && path.endsWith(ending),
    )
    if (!found) throw new Error(`The build made no ${ending} of ${source}.`)
    return found
  }
  const [app, { cssBundle }] = entry('web/src/app.tsx', '.js')
  const [uppy] = entry('web/src/upload/uppy.css', '.css')
  if (!cssBundle) throw new Error('The build made no stylesheet.')
  const url = (path: string) => `/assets/${basename(path)}`
  const names = new Map([
    ['APP_JS', url(app)],
    ['APP_CSS', url(cssBundle)],
    ['UPPY_CSS', url(uppy)],
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
