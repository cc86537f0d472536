/** Both workers and the preview must have identical fonts to break lines alike. */
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { fontPaths } from '../../runpod-local/worker/text/font-files.ts'
import FONT_FILES from '../../runpod-local/worker/text/fonts.json' with { type: 'json' }

const root = join(import.meta.dirname, '../..')

it('are all installed here, in their order', () => {
  expect(fontPaths()).toEqual(FONT_FILES.map((file) => join(root, 'node_modules', file)))
})

it('are in the GPU worker’s image from the same packages, in the same versions and order', async () => {
  const image = await readFile(join(root, 'gpu-worker/Dockerfile'), 'utf8')
  const versions: Record<string, string> = { ...manifest.devDependencies, ...manifest.optionalDependencies }
  for (const file of FONT_FILES) {
    const name = file
      .split('/')
      .slice(0, file.startsWith('@') ? 2 : 1)
      .join('/')
    expect(image).toMatch(new RegExp(`${name}@${versions[name]}\\s`))
    expect(image).toContain(`    node_modules/${file} \\\n`)
  }
  expect(image).toContain(
    `EXPORTAL_FONTS=${FONT_FILES.map((file) => `/fonts/${basename(file)}`).join(':')}\n`,
  )
})
