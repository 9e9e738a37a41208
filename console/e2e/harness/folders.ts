import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder that goes when the tests are over. */
export class Folder {
  readonly path = mkdtempSync(join(tmpdir(), 'courier-console-'))

  at(...names: string[]): string {
    return join(this.path, ...names)
  }

  remove() {
    rmSync(this.path, { recursive: true, force: true })
  }
}

const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')

/** Where pictures are left for people to look at, outside of the checkout. */
export const screenshots = process.env.COURIER_SCREENSHOTS || join(cache, 'courier', 'screenshots')
mkdirSync(screenshots, { recursive: true })
