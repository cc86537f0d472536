/**
 * The fonts that are shipped with the workers, as files from packages, in the order in which they are searched for a
 * character. The image of the GPU worker has those of the same packages, the studio's preview has the same files.
 */
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Font, readFont } from './font.ts'
import FONT_FILES from './fonts.json' with { type: 'json' }

/** The paths of the installed fonts, in their order: most packages are optional. @throws Error without the first one */
export function fontPaths(): string[] {
  const places = createRequire(import.meta.url).resolve.paths('fonts') ?? []
  const found = FONT_FILES.map((file) => places.map((place) => join(place, file)).find(existsSync))
  if (found[0] === undefined) throw new Error(`The font ${FONT_FILES[0]} is not installed.`)
  return found.filter((path) => path !== undefined)
}

/**
 * Copies the fonts into `dir`, where ffmpeg finds them from a job's directory below it, and returns their properties.
 */
export async function installFonts(dir: string): Promise<Font[]> {
  const files = await Promise.all(fontPaths().map((path) => readFile(path)))
  await mkdir(join(dir, 'fonts'), { recursive: true })
  // Prevents fonts of the computer from replacing these.
  await writeFile(join(dir, 'fonts.conf'), '<?xml version="1.0"?><fontconfig></fontconfig>')
  await Promise.all(files.map((file, index) => writeFile(join(dir, 'fonts', `${index}`), forLibass(file))))
  return files.map((file) => readFont(bufferOf(file)))
}

const bufferOf = (file: Buffer): ArrayBuffer =>
  file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer

/**
 * libass up to 0.17.1 uses the first character table for Windows, which need not be the complete one: tables of the
 * first plane alone are relabelled as Unicode in general (ISO/IEC 14496-22, 5.2.1: platform 0, encoding 3).
 */
function forLibass(font: Buffer): Buffer {
  const tables = Array.from({ length: font.readUInt16BE(4) }, (_, index) => 12 + index * 16)
  const cmap = tables.find((at) => font.toString('latin1', at, at + 4) === 'cmap')
  if (cmap === undefined) return font
  const start = font.readUInt32BE(cmap + 8)
  const records = Array.from({ length: font.readUInt16BE(start + 2) }, (_, index) => start + 4 + index * 8)
  const isWhole = (at: number) => font.readUInt32BE(at) === 0x3000a
  if (!records.some(isWhole)) return font
  const changed = Buffer.from(font)
  for (const at of records) if (font.readUInt32BE(at) === 0x30001) changed.writeUInt32BE(0x3, at)
  return changed
}
