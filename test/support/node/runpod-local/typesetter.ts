import { readFileSync } from 'node:fs'
import type { Shaper } from '../../../../runpod-local/worker/text/characters.ts'
import { readFont } from '../../../../runpod-local/worker/text/font.ts'
import { fontPaths } from '../../../../runpod-local/worker/text/font-files.ts'
import type { Typesetter } from '../../../../runpod-local/worker/text/typesetter.ts'

const fonts = fontPaths().map((path) => readFont(new Uint8Array(readFileSync(path)).buffer))

/** The bundled fonts, and an ffmpeg with this text shaper. */
export const typesetterWith = (shaper: Shaper = 'harfbuzz'): Typesetter => ({ fonts, shaper })
