import { statSync, writeFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inBrowser, type Look } from './harness/browser'
import { settled } from './harness/look'
import { World } from './harness/world'

/** Bytes that a picture has at most. */
const LIMIT = 60_000

const browser = inBrowser()
let world: World

beforeAll(async () => {
  world = await World.make()
})
afterAll(() => world.stop())

const look: Look = { width: 1280, height: 860 }

/** Writes what the window shows into docs/pictures. */
async function picture(page: Page, name: string) {
  await settled(page)
  const session = await page.context().newCDPSession(page)
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 70 })
  const path = new URL(`../../docs/pictures/${name}.webp`, import.meta.url)
  writeFileSync(path, Buffer.from(data, 'base64'))
  expect(statSync(path).size, `${name}.webp`).toBeLessThan(LIMIT)
}

test('the first page', async () => {
  const page = await browser.open(world.server, { as: 'admin', ...look })
  await page.goto('/')
  await page.getByRole('region', { name: 'Running now' }).getByText(/B\/s/).first().waitFor()
  await picture(page, 'overview')
})

test('a connection that was tested', async () => {
  const page = await browser.open(world.server, { as: 'admin', ...look })
  await page.goto(world.at.bank ?? '')
  await page.getByRole('button', { name: 'Test', exact: true }).click()
  await page.getByText('It works').waitFor()
  await page.evaluate(() => window.scrollTo(0, 0))
  await picture(page, 'connection')
})

test('a job that runs', async () => {
  const page = await browser.open(world.server, { as: 'admin', scheme: 'dark', ...look })
  await page.goto(world.at.running ?? '')
  await page.getByText(/B\/s/).first().waitFor()
  await picture(page, 'execution')
})
