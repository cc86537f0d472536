/**
 * The peer on one computer: BullMQ on a Redis that persists to disk, an HTTP server and `ws` in one Node process, the
 * minimum with the functions of the plain design. Like that one it works as long as nothing fails: no token is checked,
 * no attempt fenced, no output verified, nothing replayed, and there is no second computer.
 *
 * Arguments: its port, the port of its RunPod, the port of Redis, a directory for Redis, and when Redis calls fsync.
 */
import { spawn } from 'node:child_process'
import { Jobs } from './jobs.ts'
import { instantRunpod } from './runpod.ts'
import { serve } from './server.ts'
import { Watchers } from './watchers.ts'

const [port, runpodPort, redisPort, dir = '', fsync = ''] = process.argv.slice(2)
const LOOPBACK = '127.0.0.1'

const settings = {
  bind: LOOPBACK,
  port: String(redisPort),
  dir,
  appendonly: 'yes',
  appendfsync: fsync,
  save: '',
}
const redis = spawn(
  'redis-server',
  Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
  { stdio: 'inherit' },
)
redis.once('exit', () => process.exit(1))

// Ends this group when the process that started it has died.
const starter = process.ppid
setInterval(() => process.ppid !== starter && process.kill(0, 'SIGTERM'), 1_000).unref()

const watchers = new Watchers()
const jobs = new Jobs({
  redisPort: Number(redisPort),
  runpodEndpoint: `http://${LOOPBACK}:${runpodPort}/v2/bench`,
  publicUrl: `http://${LOOPBACK}:${port}`,
  ended: async (id) => watchers.end(id, { type: 'event', job: await jobs.view(id) }),
})
await jobs.ready()
instantRunpod().listen(Number(runpodPort), LOOPBACK)
serve(jobs, watchers).listen(Number(port), LOOPBACK)
