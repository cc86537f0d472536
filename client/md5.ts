/**
 * MD5 (RFC 1321), by which storage knows the bytes of a part. Web Crypto does not offer it. It tells one file of a user
 * from another one; it keeps no secret and withstands no forger.
 */

/** RFC 1321, 3.4, for each of its 64 steps: how far it shifts, which word of the block it takes, what it adds. */
const SHIFTS = Uint8Array.from({ length: 64 }, (_, step) => {
  const ofRounds = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
  return ofRounds[(step >> 4) * 4 + (step & 3)] as number
})
const WORDS = Uint8Array.from({ length: 64 }, (_, step) => {
  const ofRounds = [step, 5 * step + 1, 3 * step + 5, 7 * step]
  return (ofRounds[step >> 4] as number) & 15
})
const SINES = Int32Array.from({ length: 64 }, (_, step) => Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32))
const BLOCK = 64

/** The sum of all that was added, in hex. */
export class Md5 {
  readonly #state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476)
  readonly #words = new Int32Array(BLOCK / 4)
  /** What does not fill a block yet. */
  readonly #rest = new Uint8Array(BLOCK)
  #size = 0

  add(bytes: Uint8Array): void {
    let at = 0
    const held = this.#size % BLOCK
    this.#size += bytes.byteLength
    if (held > 0) {
      at = Math.min(BLOCK - held, bytes.byteLength)
      this.#rest.set(bytes.subarray(0, at), held)
      if (held + at < BLOCK) return
      this.#block(new DataView(this.#rest.buffer), 0)
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (; at + BLOCK <= bytes.byteLength; at += BLOCK) this.#block(view, at)
    this.#rest.set(bytes.subarray(at))
  }

  /** Ends the sum: nothing can be added after it. */
  hex(): string {
    const size = this.#size
    const padding = new Uint8Array(padded(size))
    padding[0] = 0x80
    const view = new DataView(padding.buffer)
    view.setUint32(padding.length - 8, (size * 8) >>> 0, true)
    view.setUint32(padding.length - 4, Math.floor(size / 2 ** 29), true)
    this.add(padding)
    return [...new Uint8Array(this.#state.buffer)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  }

  #block(view: DataView, at: number): void {
    const words = this.#words
    for (let i = 0; i < 16; i++) words[i] = view.getInt32(at + i * 4, true)
    const state = this.#state
    let a = state[0] as number
    let b = state[1] as number
    let c = state[2] as number
    let d = state[3] as number
    for (let step = 0; step < 64; step++) {
      const mixed =
        step < 16 ? (b & c) | (~b & d) : step < 32 ? (d & b) | (~d & c) : step < 48 ? b ^ c ^ d : c ^ (b | ~d)
      const sum = (a + mixed + (SINES[step] as number) + (words[WORDS[step] as number] as number)) | 0
      const shift = SHIFTS[step] as number
      a = d
      d = c
      c = b
      b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0
    }
    state[0] = (state[0] as number) + a
    state[1] = (state[1] as number) + b
    state[2] = (state[2] as number) + c
    state[3] = (state[3] as number) + d
  }
}

/** A bit, zeros, and the length in eight bytes: up to the end of a block. */
function padded(size: number): number {
  return BLOCK - ((size + 8) % BLOCK) + 8
}

/** Of all the bytes of a Blob, read piece by piece. */
export async function md5Of(blob: Blob): Promise<string> {
  const sum = new Md5()
  const reader = blob.stream().getReader()
  for (let next = await reader.read(); !next.done; next = await reader.read()) sum.add(next.value)
  return sum.hex()
}

/** As storage makes the ETag of a file of parts: the MD5 of their MD5s, and their count. */
export function etagOfParts(sums: readonly string[]): string {
  const whole = new Md5()
  for (const sum of sums) {
    whole.add(Uint8Array.from(sum.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)))
  }
  return `${whole.hex()}-${sums.length}`
}
