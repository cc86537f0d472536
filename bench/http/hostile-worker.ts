/**
 * `node bench/http/hostile-worker.ts <frames> [silent]` with the line's address and headers on stdin: says on it what no
 * worker says, in a process of its own, and dials again whenever it was hung up on. `silent`: as many lines, and nothing
 * on them.
 */

import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { openWorkerLine } from './sockets.ts'

const A_SECOND = 1_000
/** As many as a line takes in a second, and some more: it is closed, and dialed again. */
const FRAMES_A_LINE = 25
const FRAMES: readonly (string | Buffer)[] = [
  Buffer.alloc(3_000, 7),
  '{"type": "progress", "n": 12.5, "stage": "\\ud800", "message": "\\udfff"}',
  JSON.stringify({ type: 'surprise', n: -1, deep: '['.repeat(2_000) }),
  '{"type": "hello", "instance": "../..", "runpod_job_id": 7}',
  '[]',
  'ping ',
  '{"__proto__": {"type": "complete"}, "n": 1e400}',
]
const MEGABYTE = 'x'.repeat(1_000_000)

const frames = Number(process.argv[2])
const isSilent = process.argv[3] === 'silent'
const { url, headers }: { url: string; headers: Record<string, string> } = JSON.parse(
  await text(process.stdin),
)
const started = performance.now()
for (let sent = 0; sent < frames; sent += FRAMES_A_LINE) {
  const early = started + (sent * 1000) / A_SECOND - performance.now()
  if (early > 0) await pause(early)
  const socket = await openWorkerLine(url, headers)
  socket.on('error', () => {})
  for (let nth = sent; nth < sent + FRAMES_A_LINE && !isSilent; nth++) socket.send(frame(nth))
  const closed = once(socket, 'close')
  socket.close()
  await closed
}

function frame(nth: number): string | Buffer {
  return nth % 100 === 0 ? MEGABYTE : (FRAMES[nth % FRAMES.length] ?? '')
}
