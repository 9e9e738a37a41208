import { afterAll, beforeAll, expect, test } from 'vitest'
import type { schemas } from '../src/api/types'
import type { Api } from './harness/api'
import { inBrowser } from './harness/browser'
import { PASSWORD, Server } from './harness/server'

const browser = inBrowser()
let server: Server
let api: Api

beforeAll(async () => {
  server = await Server.start()
  api = await server.api()
})
afterAll(() => server.stop())

test('somebody who was added as a user can log in', async () => {
  const page = await browser.open(server, { as: 'admin' })
  await page.goto('/users')
  await page.getByRole('button', { name: 'Add a user' }).click()
  const dialog = page.getByRole('dialog', { name: 'Add a user' })
  await dialog.getByRole('textbox', { name: 'User name' }).fill('tom')
  await dialog.getByRole('textbox', { name: 'Password' }).fill(PASSWORD)
  await dialog.getByRole('button', { name: /^Add/ }).click()
  await page.getByRole('cell', { name: 'tom', exact: true }).waitFor()

  const toms = await browser.open(server, { as: 'tom' })
  await toms.goto('/')
  await toms.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
})

test('a token is shown once, works, and is worth nothing once it is deleted', async () => {
  const page = await browser.open(server, { as: 'admin' })
  await page.goto('/tokens')
  await page.getByRole('button', { name: 'New token' }).click()
  await page.getByRole('dialog', { name: 'New API token' }).getByRole('textbox', { name: 'Name' }).fill('dashboard')
  await page.getByRole('button', { name: 'Make the token' }).click()
  const made = page.getByRole('dialog', { name: 'Your new API token' })
  await made.getByRole('button', { name: 'Copy the token' }).click()
  const token = await page.evaluate(() => navigator.clipboard.readText())
  await made.getByRole('button', { name: 'I have copied it' }).click()
  const works = () => fetch(`${server.url}/api/overview`, { headers: { authorization: `Bearer ${token}` } })
  expect((await works()).status).toBe(200)
  expect(await page.content()).not.toContain(token)

  await page
    .getByRole('row', { name: /dashboard/ })
    .getByRole('button', { name: /Delete/ })
    .click()
  const question = page.getByRole('dialog')
  await question.getByRole('textbox').fill('dashboard')
  await question.getByRole('button', { name: /^Delete/ }).click()
  await page.getByText('There is no API token yet').waitFor()
  expect((await works()).status).toBe(401)
})

test('a setting that makes it less safe is asked about before it is changed', async () => {
  const key = 'security.host_key_approval_require_admin'
  const value = async () => (await api.get<schemas['Setting']>(`/api/settings/${key}`)).value
  const page = await browser.open(server, { as: 'admin' })
  await page.goto('/settings')
  const setting = page.getByRole('switch', { name: 'Host keys are approved by admins only' })
  await setting.uncheck({ force: true })
  await page.getByRole('button', { name: 'Save Host keys are approved by admins only' }).click()
  const question = page.getByRole('dialog', { name: 'This makes Courier less safe' })
  await question.waitFor()
  expect(await value()).toBe(true)
  await question.getByRole('button', { name: 'Change the setting' }).click()
  await page.getByText('Less safe than it could be').waitFor()
  expect(await value()).toBe(false)
})

test('what somebody else changes shows without a reload', async () => {
  const page = await browser.open(server, { as: 'admin' })
  await page.goto('/ssh-keys')
  await page.getByText('No keys yet').waitFor()
  await api.post('/api/ssh-keys/generate', { name: 'made-elsewhere', key_type: 'ed25519' })
  await page.getByRole('link', { name: 'made-elsewhere' }).waitFor()
})

test('a page is found by the keyboard alone', async () => {
  const page = await browser.open(server, { as: 'admin' })
  await page.goto('/')
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  await page.keyboard.press('g')
  await page.keyboard.press('c')
  await page.getByRole('heading', { name: 'Connections', level: 1 }).waitFor()
  await page.keyboard.press('Control+k')
  await page
    .getByRole('textbox', { name: 'Go to' })
    .or(page.getByRole('searchbox', { name: 'Go to' }))
    .fill('audit')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Audit log', level: 1 }).waitFor()
})

test('what was typed is not lost by leaving a page without a question', async () => {
  const page = await browser.open(server, { as: 'admin' })
  await page.goto('/connections/new')
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('northbank')
  await page.getByRole('link', { name: 'Jobs' }).click()
  const question = page.getByRole('dialog', { name: 'Leave without saving?' })
  await question.getByRole('button', { name: 'Stay' }).click()
  expect(await page.getByRole('textbox', { name: 'Name', exact: true }).inputValue()).toBe('northbank')
  await page.getByRole('link', { name: 'Jobs' }).click()
  await question.getByRole('button', { name: 'Leave' }).click()
  await page.getByRole('heading', { name: 'Jobs', level: 1 }).waitFor()
})
