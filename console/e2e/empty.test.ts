import { afterAll, beforeAll, test } from 'vitest'
import { inBrowser } from './harness/browser'
import { lookedAt, settled } from './harness/look'
import { Server } from './harness/server'

const browser = inBrowser()
let fresh: Server

beforeAll(async () => {
  fresh = await Server.start()
})
afterAll(() => fresh.stop())

const pages = ['/', '/connections', '/jobs', '/executions', '/ssh-keys', '/storages', '/alerts', '/tokens']

test.for(pages)('%s of a fresh server can be read by everybody, too', async (address) => {
  const page = await browser.open(fresh, { as: 'admin' })
  await page.goto(address)
  await settled(page)
  await lookedAt(page, `empty${address.replace('/', ' ')}`)
})

test('the login can be read by everybody', async () => {
  const page = await browser.open(fresh)
  await page.goto('/login')
  await settled(page)
  await lookedAt(page, 'login')
})
