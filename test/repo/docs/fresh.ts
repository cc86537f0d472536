/**
 * `npm run test:fresh [-- --only README.md] [-- --quick]`: what a stranger does. Clones the repository into an empty
 * folder, with an empty HOME and an empty npm cache, and runs there every block of the documentation that says it runs,
 * in order, page by page, each page in one shell. For the blocks that need an account, it asks wrangler whether their
 * commands and flags exist. `--quick` leaves out blocks with tests or checks, for who has just run these on the same
 * commit. Uncommitted changes are not cloned, as a stranger would not have them.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { allBlocks, type Block, follows, wranglerCalls } from './blocks.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const PAGE_MS = 15 * 60_000
const START_MS = 90_000
/** Printed between the blocks of a page, to separate their output. */
const MARK = '\u0001'

const { values } = parseArgs({
  options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } },
})
const isWanted = ({ run, file, code }: Block) =>
  run &&
  (!values.only || file === values.only) &&
  !(values.quick && /\bnpm (test|run (check|test:))/.test(code))
const home = mkdtempSync(join(tmpdir(), 'exportal-fresh-'))
const clone = join(home, 'exportal')
const { PATH, LANG } = process.env
/** Without settings of the current user, and without node_modules/.bin of the outer npm script. */
const STRANGER = {
  PATH: (PATH ?? '')
    .split(':')
    .filter((part) => !part.includes('node_modules'))
    .join(':'),
  LANG: LANG ?? 'C.UTF-8',
  HOME: home,
  npm_config_cache: join(home, 'npm-cache'),
  NO_COLOR: '1',
}

try {
  cloneAs(STRANGER)
  const pages = Map.groupBy(allBlocks(clone).filter(isWanted), ({ file }) => file)
  // The README installs what the other pages use.
  const order = [...pages].sort(([a], [b]) => Number(b === 'README.md') - Number(a === 'README.md'))
  if (values.only && values.only !== 'README.md') await shell('npm ci', PAGE_MS)
  const faults: string[] = []
  for (const [page, blocks] of order) faults.push(...(await playPage(page, blocks)))
  faults.push(...(await foreignCommands()))
  for (const fault of faults) console.error(`\n✗ ${fault}`)
  console.log(
    faults.length === 0 ? '\nEverything that the pages say works.' : `\n${faults.length} do not work.`,
  )
  process.exitCode = faults.length === 0 ? 0 : 1
} finally {
  rmSync(home, { recursive: true, force: true })
}

/** Also works for a repository that belongs to another user of this computer, which git would otherwise refuse. */
function cloneAs(env: Record<string, string>): void {
  const config = join(home, 'clone.gitconfig')
  writeFileSync(config, '[safe]\n\tdirectory = *\n')
  execFileSync('git', ['clone', '--quiet', ROOT, clone], { env: { ...env, GIT_CONFIG_GLOBAL: config } })
  rmSync(config)
}

/** Runs the blocks of one page in one shell; the first that fails ends it. */
async function playPage(page: string, blocks: readonly Block[]): Promise<string[]> {
  const faults: string[] = []
  for (const service of [false, true]) {
    const chosen = blocks.filter((block) => block.service === service)
    if (chosen.length === 0) continue
    const running = service ? await startService() : null
    try {
      const script = chosen.map(({ code }) => `${code}\nprintf '%s' '${MARK}'`).join('\n')
      console.log(`\n=== ${page}: ${chosen.length} block(s)${service ? ', beside npm start' : ''}`)
      const { code, printed } = await shell(`set -eo pipefail\n${script}`, PAGE_MS)
      const outputs = printed.split(MARK)
      if (code !== 0) faults.push(`${at(chosen[outputs.length - 1])} ended with ${code}`)
      chosen.forEach((block, index) => {
        const output = outputs[index]
        if (
          block.output !== null &&
          output !== undefined &&
          index < outputs.length - 1 &&
          !follows(output, block.output)
        )
          faults.push(`${at(block)} printed something else:\n${output}`)
      })
    } finally {
      if (running) await stop(running)
    }
  }
  return faults
}

function at(block: Block | undefined): string {
  return block ? `${block.file}:${block.line}` : 'The page'
}

function shell(script: string, ms: number): Promise<{ code: number; printed: string }> {
  const child = spawn('bash', ['-c', script], {
    cwd: clone,
    env: STRANGER,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const timer = setTimeout(() => child.kill('SIGTERM'), ms)
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    process.stdout.write(text.replaceAll(MARK, ''))
  })
  return new Promise((settle) =>
    child.once('close', (code) => {
      clearTimeout(timer)
      settle({ code: code ?? 1, printed })
    }),
  )
}

/** Runs `npm start` until it prints that Ctrl-C ends it. */
async function startService(): Promise<ChildProcess> {
  const child = spawn('npm', ['start'], {
    cwd: clone,
    env: STRANGER,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await new Promise<void>((settle, fail) => {
    const timer = setTimeout(() => fail(new Error('npm start did not get ready.')), START_MS)
    const until = (text: Buffer) => {
      if (!text.includes('Ctrl-C')) return
      clearTimeout(timer)
      settle()
    }
    child.stdout?.on('data', until)
    child.stderr?.on('data', (text: Buffer) => process.stderr.write(text))
    child.once('close', (code) => fail(new Error(`npm start ended with ${code}.`)))
  })
  return child
}

/** Sends one Ctrl-C, after which everything must have ended. */
async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((settle) => child.once('close', settle))
  if (child.pid) process.kill(-child.pid, 'SIGINT')
  await ended
}

/** Commands that cannot be run here must at least exist, with the documented flags. */
async function foreignCommands(): Promise<string[]> {
  const faults: string[] = []
  const helps = new Map<string, string>()
  for (const block of allBlocks(clone).filter(({ run }) => !run)) {
    for (const { words, flags } of wranglerCalls(block.code)) {
      const command = await longestCommand(words, helps)
      if (command === null) {
        faults.push(`${at(block)}: there is no command "wrangler ${words.join(' ')}"`)
        continue
      }
      const unknown = flags.filter((flag) => !helps.get(command)?.includes(`${flag} `))
      if (unknown.length > 0) faults.push(`${at(block)}: wrangler ${command} has no ${unknown.join(', ')}`)
    }
  }
  console.log(`\n=== ${helps.size} commands of wrangler looked up`)
  return faults
}

/** The longest prefix that is a command of wrangler: arguments may look like words too. */
async function longestCommand(words: readonly string[], helps: Map<string, string>): Promise<string | null> {
  for (let length = Math.min(words.length, 4); length > 0; length--) {
    const command = words.slice(0, length).join(' ')
    const help = helps.get(command) ?? (await helpOf(command))
    if (help === null) continue
    helps.set(command, help)
    return command
  }
  return null
}

async function helpOf(command: string): Promise<string | null> {
  const quiet = 'WRANGLER_SEND_METRICS=false WRANGLER_HIDE_BANNER=true CI=1'
  const script = `export ${quiet}; npx wrangler ${command} --help 2>&1`
  const printed = execFileSync('bash', ['-c', `${script} || true`], {
    cwd: clone,
    env: STRANGER,
    encoding: 'utf8',
  })
  // For an unknown command, wrangler prints the help of its parent, or an error.
  return printed.trimStart().startsWith(`wrangler ${command}`) ? printed : null
}
