/**
 * The shell blocks of the documentation, and what becomes of each. A block says it in its info string:
 *
 * - `sh run`: it works as printed in a fresh clone, and is run there.
 * - `sh run service`: the same, while `npm start` runs beside it.
 * - `sh account`, `sh docker`, `sh gpu`: it cannot be run everywhere, for this reason; `sh server`: it runs on until it
 *   is stopped; `sh program`: a test of its own runs it, with the files that it needs.
 *
 * An `output` block after one that is run shows what it prints; `…` in it stands for anything.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const REASONS = ['account', 'docker', 'gpu', 'program', 'server'] as const

export interface Block {
  /** Relative to the repository. */
  file: string
  /** Of the fence, counted from 1. */
  line: number
  code: string
  run: boolean
  /** Needs `npm start`. */
  service: boolean
  /** Why it is not run; null when it is, or when the reason is missing. */
  reason: (typeof REASONS)[number] | null
  /** The expected output; null when the page contains none. */
  output: string | null
}

const FENCE = /^```(\w+)?[ \t]*([^\n]*)\n([\s\S]*?)^```[ \t]*$/gm

/** The shell blocks of one page, in their order. */
export function blocksOf(file: string, markdown: string): Block[] {
  const blocks: Block[] = []
  let previous: { block: Block; end: number } | null = null
  for (const match of markdown.matchAll(FENCE)) {
    const [whole, language = '', info = '', code = ''] = match
    const end = match.index + whole.length
    if (language === 'output' && previous && markdown.slice(previous.end, match.index).trim() === '')
      previous.block.output = code
    previous = null
    if (language !== 'sh' && language !== 'bash') continue
    const words = info.split(/\s+/)
    const block: Block = {
      file,
      line: markdown.slice(0, match.index).split('\n').length,
      code,
      run: words.includes('run'),
      service: words.includes('service'),
      reason: REASONS.find((reason) => words.includes(reason)) ?? null,
      output: null,
    }
    blocks.push(block)
    previous = { block, end }
  }
  return blocks
}

/** Pages with commands for readers. */
export function pagesOf(root: string): string[] {
  const top = readdirSync(root).filter((name) => name.endsWith('.md'))
  const deep = ['docs', 'runpod-local', 'gpu-worker', 'client'].flatMap((folder) => {
    try {
      return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
        .map((name) => join(folder, name))
    } catch {
      return []
    }
  })
  return [...top, ...deep].sort()
}

export function allBlocks(root: string): Block[] {
  return pagesOf(root).flatMap((file) => blocksOf(file, readFileSync(join(root, file), 'utf8')))
}

/** Whether the output matches the page. Every `…` matches any text; line ends and outer whitespace are ignored. */
export function follows(printed: string, shown: string): boolean {
  const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const pattern = shown.trim().split('…').map(literal).join('[\\s\\S]*?')
  return new RegExp(`^${pattern}$`).test(printed.trim().replace(/\r\n/g, '\n'))
}

/** One call of wrangler in a block: its words before the first argument, and its flags. */
export interface WranglerCall {
  words: string[]
  flags: string[]
}

/** Calls of wrangler, `npx wrangler …` or bare, anywhere in a line. */
export function wranglerCalls(code: string): WranglerCall[] {
  const joined = code.replace(/\\\n\s*/g, ' ')
  return [...joined.matchAll(/(?:^|[\s;|&(])(?:npx )?wrangler ([^\n|;&)]*)/g)].map(([, rest = '']) => {
    const parts = rest.trim().split(/\s+/)
    return {
      words: parts.filter((part) => /^[a-z][a-z0-9-]*$/.test(part)),
      flags: parts.filter(isFlag).map(nameOf),
    }
  })
}

function isFlag(part: string): boolean {
  return part.startsWith('--')
}

function nameOf(flag: string): string {
  return flag.split('=')[0] ?? flag
}
