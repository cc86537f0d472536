/**
 * `npm run test:walk` visits every state that a job can reach, and prints the hash of all edges beside the golden one.
 * With `--write` it also writes the arrows that it found into `docs/state-machine.md`.
 */
import type { Job } from '../../actors/export-job/core/job.ts'
import { Arrows, writeArrows } from './arrows.ts'
import { type Edge, WHOLE, walk } from './walk.ts'
import { GOLDEN, WalkHash } from './walk-hash.ts'

const hash = new WalkHash()
const arrows = new Arrows()
const add = (edge: Edge) => {
  hash.add(edge)
  arrows.add(edge)
}
const isWriting = process.argv.includes('--write')
const time = (job: Job, now: number) => (isWriting ? arrows.addTime(job, now) : undefined)
for (const start of Object.values(WHOLE)) {
  const { states, edges } = walk(start, add, time)
  console.log(`${states} states, ${edges} edges`)
}
if (isWriting) writeArrows(arrows.text())
const hashed = hash.end()
console.log(hashed)
if (hashed !== GOLDEN) {
  console.error('Some edge is another than it was. If that is what is meant, this is the new golden hash.')
  process.exitCode = 1
}
