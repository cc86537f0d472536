/** `npm run test:walk`: walks every state that a job can reach, and prints the hash over all edges. */
import { TOLD, UNTOLD, walk } from './walk.ts'
import { WalkHash } from './walk-hash.ts'

const hash = new WalkHash()
const add = hash.add.bind(hash)
const counts = [UNTOLD, TOLD].map((start) => walk(start, add, () => {}))
for (const { states, edges } of counts) console.log(`${states} states, ${edges} edges`)
console.log(hash.end())
