import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { schemas } from '../src/api/types'
import type { Api } from './harness/api'
import { inBrowser } from './harness/browser'
import { barriers } from './harness/look'
import { Partner } from './harness/partner'
import { PASSWORD, Server } from './harness/server'

const browser = inBrowser()
let server: Server
let partner: Partner
let api: Api

beforeAll(async () => {
  ;[server, partner] = await Promise.all([Server.start(), Partner.start()])
  api = await server.api()
  await api.post('/api/users', { username: 'maria', password: PASSWORD, role: 'operator' })
  for (const name of ['a', 'b', 'c']) partner.file(`outbox/${name}.csv`, `${name},1\n`)
  partner.file('outbox/notes.txt')
})
afterAll(async () => {
  partner.stop()
  await server.stop()
})

/** A page of the connection. */
async function visit(tab: string): Promise<Page> {
  const [connection] = await api.list<schemas['Connection']>('/api/connections')
  const page = await browser.open(server, { as: 'maria' })
  await page.goto(`/connections/${connection?.id}/${tab}`)
  await page.getByRole('heading', { name: 'northbank', level: 1 }).waitFor()
  return page
}

/** What the last click on a copy button has put into the clipboard. */
const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText())

test('an operator connects a server with a key made on the way, tests it, and saves it', async () => {
  const page = await browser.open(server, { as: 'maria' })
  await page.goto('/')
  await page.getByRole('link', { name: 'Connections', exact: true }).click()
  await page.getByRole('link', { name: 'New connection' }).first().click()
  await page.getByRole('heading', { name: 'New connection', level: 1 }).waitFor()
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('northbank')
  await page.getByRole('radio', { name: /^SFTP/ }).check()
  await page.getByRole('textbox', { name: 'Host' }).fill(partner.host)
  await page.getByRole('textbox', { name: 'Port' }).fill(String(partner.port))
  await page.getByRole('textbox', { name: 'User name' }).fill(partner.user)

  await page.getByRole('button', { name: 'Generate a key' }).click()
  const dialog = page.getByRole('dialog', { name: 'Generate a key' })
  await dialog.getByRole('button', { name: 'Generate', exact: true }).click()
  await dialog.waitFor({ state: 'hidden' })

  // The partner has not installed it: that is what the test says, and that nothing else is wrong.
  await page.getByRole('button', { name: 'Test', exact: true }).click()
  await page.getByRole('alert').filter({ hasText: 'Error 3001' }).waitFor()
  expect(await barriers(page)).toEqual([])

  await page.getByRole('button', { name: 'Copy the line' }).click()
  const line = await copied(page)
  expect(line).toMatch(/^ssh-ed25519 \S+/)
  partner.authorize(line)
  await page.getByRole('button', { name: 'Test', exact: true }).click()
  await page.getByText('It works').waitFor()
  await page.getByText(partner.fingerprint()).waitFor()
  await page.getByText(/^OpenSSH_/).waitFor()
  expect(await barriers(page)).toEqual([])

  await page.getByRole('button', { name: 'Save connection' }).click()
  await page.getByRole('heading', { name: 'northbank', level: 1 }).waitFor()
  await page.getByText('Healthy').first().waitFor()
  expect(new URL(page.url()).pathname).toMatch(/^\/connections\/[\w-]{36}/)
})

test('another key is generated, installed and tested, and the old one revoked', async () => {
  const page = await visit('keys')
  await page.getByRole('button', { name: 'Generate a key' }).click()
  await page
    .getByRole('dialog', { name: 'Generate a key' })
    .getByRole('button', { name: /^Generate/ })
    .click()
  const [connection] = await api.list<schemas['Connection']>('/api/connections')
  await expect.poll(() => api.list<schemas['ConnectionKey']>(`/api/connections/${connection?.id}/keys`)).toHaveLength(2)
  await page.getByRole('button', { name: 'Copy the line' }).first().click()
  partner.authorize(await copied(page))

  await page.getByRole('tab', { name: 'Setup' }).click()
  await page.getByRole('button', { name: 'Test', exact: true }).click()
  await page.getByText('It works').waitFor()

  await page.getByRole('tab', { name: 'Keys' }).click()
  await page
    .getByRole('button', { name: /^Revoke/ })
    .last()
    .click()
  const question = page.getByRole('dialog')
  const name = await question.locator('label b').textContent()
  const revoke = question.getByRole('button', { name: 'Revoke' })
  expect(await revoke.isDisabled()).toBe(true)
  await question.getByRole('textbox').fill(name ?? '')
  await revoke.click()
  await page.getByText(`no longer uses “${name}”`).waitFor()
})

test('a folder is found by looking around, tried dry, mapped and pulled, and its files are in the history', async () => {
  const page = await visit('folders')
  await page.getByRole('link', { name: 'Map a folder' }).click()
  await page.getByRole('button', { name: 'Browse' }).click()
  const around = page.getByRole('dialog', { name: 'Choose a folder' })
  await around.getByRole('button', { name: /^outbox/ }).click()
  await around.getByText('a.csv').waitFor()
  await around.getByRole('button', { name: 'Choose this folder' }).click()
  expect(await page.getByRole('textbox', { name: 'Folder on the server' }).inputValue()).toBe('outbox')
  await page.getByRole('textbox', { name: 'Files', exact: true }).fill('*.csv')

  await page.getByRole('button', { name: 'Look what it would pull' }).click()
  const look = page.getByRole('region', { name: 'What it would pull' })
  await look.getByText(/^3 files, .* would be pulled now/).waitFor()
  await look
    .getByRole('cell', { name: /\ba\.csv$/ })
    .first()
    .waitFor()
  expect(await barriers(page)).toEqual([])
  // A look changes nothing, not even here.
  expect(await api.list('/api/folder-mappings')).toEqual([])

  await page.getByRole('button', { name: 'Save and start pulling' }).click()
  await page.getByRole('button', { name: 'Run now' }).click()
  await page.waitForURL(/\/executions\//)
  await page.getByText('3 pulled').waitFor()
  await page.getByRole('link', { name: 'A folder mapping' }).click()
  await page.getByRole('tab', { name: 'History' }).click()
  for (const name of ['a.csv', 'b.csv', 'c.csv']) await page.getByRole('cell', { name }).first().waitFor()
  expect(await page.getByText('notes.txt').count()).toBe(0)
})
