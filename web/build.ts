/**
 * `node web/build.ts`: bundles the pages into `web/dist`, which wrangler serves beside the API. Names carry a hash of
 * their content and may be cached for ever; `/client.js` and `index.html` keep their names and are asked about again.
 */
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type BuildOptions, type BuildResult, build } from 'esbuild'

const WEB = dirname(fileURLToPath(import.meta.url))
const ROOT = dirname(WEB)
const DIST = join(WEB, 'dist')
/** Built beside and swapped in, so that a running service never serves half a build. */
const NEXT = join(WEB, 'dist', `.next-${process.pid}`)

type Outputs = NonNullable<BuildResult['metafile']>['outputs']

const common = {
  absWorkingDir: ROOT,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'safari16'],
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
} satisfies BuildOptions

await rm(NEXT, { recursive: true, force: true })
await mkdir(NEXT, { recursive: true })
try {
  const pages = await build({
    ...common,
    entryPoints: { app: join(WEB, 'src/app.tsx'), uppy: join(WEB, 'src/upload/uppy.css') },
    outdir: join(NEXT, 'assets'),
    splitting: true,
    sourcemap: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    // The font of the preview is served from static/, untouched.
    external: ['/fonts/*'],
  })
  // On its own, so that other pages can import one file that needs no other.
  const client = await build({
    ...common,
    entryPoints: [join(ROOT, 'client/index.ts')],
    outfile: join(NEXT, 'client.js'),
    sourcemap: true,
  })
  await cp(join(WEB, 'static'), NEXT, { recursive: true })
  await mkdir(join(NEXT, 'fonts'), { recursive: true })
  await cp(join(ROOT, 'node_modules/dejavu-fonts-ttf/ttf/DejaVuSans.ttf'), join(NEXT, 'fonts/DejaVuSans.ttf'))
  await writeIndex(pages.metafile.outputs)
  await swapIn()
  await printSizes({ ...pages.metafile.outputs, ...client.metafile.outputs })
} finally {
  await rm(NEXT, { recursive: true, force: true })
}

/** Fills the names of this build into the one page. */
async function writeIndex(outputs: Outputs): Promise<void> {
  const entry = (source: string, ending: string) => {
    const found = Object.entries(outputs).find(
      ([path, { entryPoint }]) => entryPoint === source && path.endsWith(ending),
    )
    if (!found) throw new Error(`The build made no ${ending} of ${source}.`)
    return found
  }
  const [app, { cssBundle }] = entry('web/src/app.tsx', '.js')
  const [uppy] = entry('web/src/upload/uppy.css', '.css')
  if (!cssBundle) throw new Error('The build made no stylesheet.')
  const url = (path: string) => `/assets/${basename(path)}`
  const names: Record<string, string> = { APP_JS: url(app), APP_CSS: url(cssBundle), UPPY_CSS: url(uppy) }
  const template = await readFile(join(WEB, 'src/index.html'), 'utf8')
  const page = template.replace(/%(\w+)%/g, (_, name: string) => {
    const value = names[name]
    if (!value) throw new Error(`index.html names %${name}%, which is unknown.`)
    return value
  })
  await writeFile(join(NEXT, 'index.html'), page)
}

/** Moves the new files over the old ones; index.html, which names the others, comes last. */
async function swapIn(): Promise<void> {
  await rm(join(DIST, 'assets'), { recursive: true, force: true })
  for (const name of [
    'assets',
    'fonts',
    'favicon.svg',
    '_headers',
    'client.js',
    'client.js.map',
    'index.html',
  ]) {
    await rm(join(DIST, name), { recursive: true, force: true })
    await rename(join(NEXT, name), join(DIST, name))
  }
}

async function printSizes(outputs: Outputs): Promise<void> {
  const kb = (bytes: number) => `${(bytes / 1024).toFixed(1)} kB`.padStart(10)
  const lines: { name: string; size: number; line: string }[] = []
  for (const path of Object.keys(outputs)) {
    if (path.endsWith('.map')) continue
    const name = relative(NEXT, join(ROOT, path))
    const bytes = await readFile(join(DIST, name))
    const packed = await promisify(gzip)(bytes)
    lines.push({ name, size: bytes.length, line: `${kb(bytes.length)}  gzip ${kb(packed.length)}  ${name}` })
  }
  for (const { line } of lines.sort((a, b) => b.size - a.size)) console.log(line)
}
