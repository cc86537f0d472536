/** The demo's output: one updating line in a terminal, separate lines elsewhere. */

export class ProgressLine {
  readonly #stream: NodeJS.WriteStream
  readonly #live: boolean
  #last = ''

  constructor(stream: NodeJS.WriteStream = process.stdout) {
    this.#stream = stream
    this.#live = stream.isTTY === true
  }

  /** `percent` 0–100 of `label`; without a terminal, a line is printed only when the tenth or the label changes. */
  show(label: string, percent: number, note = ''): void {
    const tail = note ? `  ${note}` : ''
    if (this.#live) {
      const width = 30
      const filled = Math.round((percent / 100) * width)
      const bar = '█'.repeat(filled) + '░'.repeat(width - filled)
      this.#stream.write(`\r\u001b[2K  ${label.padEnd(12)} ${bar} ${percent.toFixed(0).padStart(3)} %${tail}`)
      this.#last = label
      return
    }
    const step = `${label} ${Math.floor(percent / 10)}`
    if (step === this.#last) return
    this.#last = step
    this.#stream.write(`  ${label.padEnd(12)} ${percent.toFixed(0).padStart(3)} %${tail}\n`)
  }

  /** Ends the updating line, so that further output starts on its own line. */
  end(): void {
    if (this.#live && this.#last) this.#stream.write('\n')
    this.#last = ''
  }
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

export function bytes(size: number): string {
  return size < 1e6 ? `${(size / 1e3).toFixed(0)} kB` : `${(size / 1e6).toFixed(1)} MB`
}
