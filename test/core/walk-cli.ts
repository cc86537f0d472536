/** `npm run test:walk`: walks every state that a job can reach, and compares the hash over all edges with the golden one. */
import { STRAYED, TOLD, UNTOLD, walk } from './walk.ts'
import { GOLDEN, WalkHash } from './walk-hash.ts'

const hash = new WalkHash()
const add = hash.add.bind(hash)
for (const start of [UNTOLD, TOLD, STRAYED]) {
  const { states, edges } = walk(start, add, () => {})
  console.log(`${states} states, ${edges} edges`)
}
const hashed = hash.end()
console.log(hashed)
if (hashed !== GOLDEN) {
  console.error('Some edge is another than it was. If that is what is meant, this is the new golden hash.')
  process.exitCode = 1
}
