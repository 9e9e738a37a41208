import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inBrowser } from './harness/browser'
import { settled } from './harness/look'
import { addressed, pages } from './harness/pages'
import { World } from './harness/world'

const browser = inBrowser()
let world: World

beforeAll(async () => {
  world = await World.make()
})
afterAll(() => world.stop())

/** Buttons and switches that only show something, or put it into the clipboard. */
const harmless = [
  /^Copy/,
  /^Show /,
  /^Hide /,
  /^Details of /,
  /^Public line of /,
  /^What changed with /,
  /^(Outputs|Its id|Traces)/,
  /^Dry run$/,
  /^Pulls that found nothing, too$/,
  /^Try again$/,
]

/** What belongs to whoever is logged in, whatever their role. */
const theirOwn: Record<string, RegExp> = {
  '/account': /^(Change the password|Current password|New password|Toggle password visibility)/,
  '/tokens': /^New token$/,
}

/** What can be done on a page, but for what looks, finds or leads somewhere. */
async function deeds(page: Page): Promise<string[]> {
  const found = await page.evaluate(() => {
    const elements = document.querySelectorAll<HTMLElement>('main :is(button, input, textarea, a)')
    return [...elements]
      .filter((element) => element.checkVisibility() && element.getAttribute('role') !== 'tab')
      .map((element) => {
        const input =
          element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement ? element : undefined
        const looks =
          input?.readOnly ||
          ['search', 'radio'].includes(input?.type ?? '') ||
          element.getAttribute('role') === 'combobox' ||
          // Filters by several at once; what switches something on is a switch.
          (input?.type === 'checkbox' && element.getAttribute('role') !== 'switch')
        const leads = element instanceof HTMLAnchorElement && !/\/new\b|=new\b|do=edit/.test(element.href)
        const name = element.getAttribute('aria-label') ?? input?.labels?.[0]?.textContent ?? element.textContent ?? ''
        return { name: name.trim(), idle: looks || leads }
      })
  })
  const own = theirOwn[new URL(page.url()).pathname]
  return found
    .filter(({ name, idle }) => !idle && !own?.test(name) && !harmless.some((known) => known.test(name)))
    .map(({ name }) => name)
}

test.for(pages)('a viewer finds nothing on %s that changes anything', async ([, address]) => {
  // Some pages are none of theirs; that is what they are told.
  const page = await browser.open(world.server, { as: 'tom', refused: /^GET \/api\/(alerts|users).* 403$/ })
  await page.goto(addressed(address, world))
  await settled(page)
  expect(await deeds(page)).toEqual([])
})

const roles: [name: string, leads: string[], notTo: string[]][] = [
  ['tom', ['Overview', 'Connections', 'Settings'], ['Users', 'Alerts']],
  ['maria', ['Alerts', 'Connections', 'Settings'], ['Users']],
  ['admin', ['Alerts', 'Users', 'Settings'], []],
]

test.for(roles)('the navigation leads %s to what their role has', async ([name, leads, notTo]) => {
  const page = await browser.open(world.server, { as: name })
  await page.goto('/')
  await settled(page)
  const navigation = page.getByRole('navigation', { name: 'Pages' })
  for (const label of leads) await navigation.getByRole('link', { name: label }).waitFor()
  for (const label of notTo) expect(await navigation.getByRole('link', { name: label }).count(), label).toBe(0)
})
