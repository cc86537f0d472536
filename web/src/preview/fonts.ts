/** Loads the workers' fonts one after another, while a text has characters that no loaded font contains. */
import { useEffect, useState } from 'preact/hooks'
import { type Font, readFont } from '../../../runpod-local/worker/text/font.ts'
import FONT_FILES from '../../../runpod-local/worker/text/fonts.json' with { type: 'json' }
import { missingFrom } from '../../../runpod-local/worker/text/layout.ts'

export interface LoadedFonts {
  /** In the workers' order. */
  fonts: readonly Font[]
  /** Whether all fonts are loaded. */
  all: boolean
}

const NONE: LoadedFonts = { fonts: [], all: false }

/** By index; null for a font that is not part of this build. */
const loading = new Map<number, Promise<Font | null>>()
const cssNames = new WeakMap<Font, string>()

/** The name of a loaded font in CSS. */
export function cssName(font: Font): string {
  return cssNames.get(font) ?? 'sans-serif'
}

/** The loaded fonts for drawing `text`. */
export function useFonts(text: string): LoadedFonts {
  const [loaded, setLoaded] = useState(NONE)
  useEffect(() => {
    let isWanted = true
    void fontsFor(text).then((found) => {
      if (isWanted) setLoaded(found)
    })
    return () => {
      isWanted = false
    }
  }, [text])
  return loaded
}

async function fontsFor(text: string): Promise<LoadedFonts> {
  const fonts: Font[] = []
  for (const [place, file] of FONT_FILES.entries()) {
    if (place > 0 && missingFrom(text, fonts).length === 0) return { fonts, all: false }
    const one = loading.get(place) ?? load(place, `/fonts/${file.split('/').at(-1)}`)
    loading.set(place, one)
    const font = await one
    if (font !== null) fonts.push(font)
  }
  return { fonts, all: true }
}

async function load(place: number, url: string): Promise<Font | null> {
  try {
    const file = await (await fetch(url)).arrayBuffer()
    const font = readFont(file)
    const name = `exportal-${place}`
    document.fonts.add(await new FontFace(name, file).load())
    cssNames.set(font, name)
    return font
  } catch {
    return null
  }
}
