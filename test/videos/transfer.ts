/** Large bodies over HTTP without a file: sent repeatedly from one buffer, and counted when received. */
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const CHUNK = Buffer.alloc(256 * 1024, 'exportal')

/** @throws Error for any answer but a successful one */
export async function put(url: string, size: number, contentType: string): Promise<void> {
  const headers = { 'Content-Length': size, 'Content-Type': contentType }
  const sending = request(url, { method: 'PUT', headers })
  const answered = new Promise<number>((settle, reject) => {
    sending.on('error', reject)
    sending.on('response', (answer) => {
      answer.resume().on('end', () => settle(answer.statusCode ?? 0))
    })
  })
  await pipeline(Readable.from(bytes(size)), sending)
  const status = await answered
  if (status < 200 || status > 299) throw new Error(`PUT was answered ${status}.`)
}

function* bytes(size: number): Generator<Buffer> {
  for (let left = size; left > 0; left -= CHUNK.length) yield CHUNK.subarray(0, Math.min(left, CHUNK.length))
}

/** @throws Error unless exactly `size` bytes come */
export function get(url: string, size: number): Promise<void> {
  return new Promise((settle, reject) => {
    const asking = request(url, (answer) => {
      let seen = 0
      answer.on('data', (chunk: Buffer) => {
        seen += chunk.length
      })
      answer.on('error', reject)
      answer.on('end', () => {
        if (answer.statusCode === 200 && seen === size) settle()
        else reject(new Error(`GET was answered ${answer.statusCode} with ${seen} of ${size} bytes.`))
      })
    })
    asking.on('error', reject).end()
  })
}
