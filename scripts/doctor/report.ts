/** Formats the doctor's findings as lines of text. */
import type { Finding, Level } from './checks.ts'

const MARKS: Record<Level, string> = { wrong: '✗', missing: '✗', weak: '!', good: '✓' }

/** One line per finding, with aligned names. */
export function linesOf(findings: readonly Finding[]): string[] {
  const width = Math.max(...findings.map(({ what }) => what.length))
  return findings.map(({ level, what, detail }) => `  ${MARKS[level]} ${what.padEnd(width)}  ${detail}`)
}
