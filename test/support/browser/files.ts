import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'

/** A file on disk in the form that the client accepts. */
export async function webFile(path: string): Promise<File> {
  return new File([await readFile(path)], basename(path), { type: 'video/mp4' })
}

/** An external server, which serves this video under every path. */
export async function videoHost(path: string): Promise<{ host: string; stop: () => void }> {
  const clip = await readFile(path)
  const server = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'video/mp4', 'Content-Length': clip.length })
    response.end(request.method === 'HEAD' ? undefined : clip)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { host: `127.0.0.1:${port}`, stop: () => void server.close() }
}
