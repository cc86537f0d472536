/** Runs programs as a user would. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Runs a program to its end and returns its output, within `limitMs`. @throws Error with the output, when it fails */
export async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  limitMs = 60_000,
): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(command, [...args], { cwd, timeout: limitMs })
    return stdout.trim()
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error })
  }
}
