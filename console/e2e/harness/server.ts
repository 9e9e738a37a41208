import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { Api } from './api'
import { Folder } from './folders'

/** The password of everybody in these tests. */
export const PASSWORD = 'correct-horse-7f3a-battery'

const binary = resolve(process.env.COURIER_BIN ?? new URL('../../../target/debug/courier', import.meta.url).pathname)

/** `courier serve` with a data folder of its own, on a free port. */
export class Server {
  private constructor(
    private readonly process: ChildProcess,
    private readonly folder: Folder,
    readonly url: string,
  ) {}

  /** With environment variables; without another word the first user's password is {@link PASSWORD}. */
  static async start(env: NodeJS.ProcessEnv = { COURIER_ADMIN_PASSWORD: PASSWORD }): Promise<Server> {
    const folder = new Folder()
    const data = folder.at('data')
    const log = openSync(folder.at('log'), 'a')
    const child = spawn(binary, ['serve', '--listen', '127.0.0.1:0', '--data-dir', data], {
      cwd: folder.path,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', log],
    })
    // Also where a test was broken off before it could stop it.
    process.once('exit', () => child.kill('SIGKILL'))
    const url = await address(child)
    if (!url) throw new Error(`${binary} did not start:\n${readFileSync(folder.at('log'), 'utf8')}`)
    return new Server(child, folder, url)
  }

  /** A file of the data folder. */
  data(...names: string[]): string {
    return this.folder.at('data', ...names)
  }

  /** The API as this user. */
  async api(username = 'admin'): Promise<Api> {
    return Api.login(this.url, username, PASSWORD)
  }

  async stop() {
    const ended = once(this.process, 'exit')
    this.process.kill('SIGTERM')
    await ended
    this.folder.remove()
  }
}

/** The address that it prints when it listens; nothing where it ends before that. */
async function address(child: ChildProcess): Promise<string | undefined> {
  if (!child.stdout) return undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /https?:\/\/\S+/.exec(line)?.[0]
    if (url) return url
  }
  return undefined
}
