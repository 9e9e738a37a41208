import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inBrowser } from './harness/browser'
import { PASSWORD, Server } from './harness/server'

const browser = inBrowser()
let server: Server

beforeAll(async () => {
  server = await Server.start()
})
afterAll(() => server.stop())

test('who logs in is on the overview, and stays logged in', async () => {
  const page = await browser.open(server)
  await page.goto('/')
  await page.getByRole('heading', { name: 'Courier', level: 1 }).waitFor()
  await page.getByLabel('User name').fill('admin')
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  expect(new URL(page.url()).pathname).toBe('/')
  await page.reload()
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
})

test('a page that asks for a login comes back after it, with its filters', async () => {
  const page = await browser.open(server)
  await page.goto('/executions?state=failed')
  await page.getByLabel('User name').fill('admin')
  await page.getByRole('textbox', { name: 'Password' }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('heading', { name: 'Executions', level: 1 }).waitFor()
  expect(page.url()).toBe(`${server.url}/executions?state=failed`)
})

test('a wrong password is refused with the reason, and what was typed stays', async () => {
  const page = await browser.open(server, { refused: /^POST \/api\/auth\/login 401$/ })
  await page.goto('/login')
  await page.getByLabel('User name').fill('admin')
  await page.getByRole('textbox', { name: 'Password' }).fill('a wrong one')
  await page.getByRole('button', { name: 'Log in' }).click()
  await page
    .getByRole('alert')
    .filter({ hasText: /password/i })
    .waitFor()
  expect(await page.getByLabel('User name').inputValue()).toBe('admin')
})

test('who is logged out while at work logs in again where they are', async () => {
  const page = await browser.open(server, { as: 'admin', refused: / 401$/ })
  await page.goto('/users')
  await page.getByRole('heading', { name: 'Users', level: 1 }).waitFor()
  // Elsewhere, as far as the page knows.
  await page.context().request.post('/api/auth/logout')
  await page.getByRole('link', { name: 'API tokens' }).click()
  const question = page.getByRole('dialog', { name: 'Your session has ended' })
  await question.waitFor()
  await question.getByRole('textbox', { name: 'Password' }).fill(PASSWORD)
  await question.getByRole('button', { name: 'Log in', exact: true }).click()
  await question.waitFor({ state: 'hidden' })
  await page.getByRole('heading', { name: 'API tokens', level: 1 }).waitFor()
})

test('who logs out is asked for a login everywhere', async () => {
  const page = await browser.open(server, { as: 'admin' })
  await page.goto('/connections')
  await page.getByRole('button', { name: 'My account' }).click()
  await page.getByRole('menuitem', { name: 'Log out' }).click()
  await page.getByRole('button', { name: 'Log in' }).waitFor()
  await page.goto('/connections')
  await page.getByRole('button', { name: 'Log in' }).waitFor()
})

test('the first start says where the first password is, until somebody has logged in', async () => {
  const fresh = await Server.start({})
  try {
    const page = await browser.open(fresh)
    await page.goto('/')
    await page.getByText('initial-admin-password').waitFor()
    const password = readFileSync(fresh.data('initial-admin-password'), 'utf8').trim()
    await page.getByLabel('User name').fill('admin')
    await page.getByRole('textbox', { name: 'Password' }).fill(password)
    await page.getByRole('button', { name: 'Log in' }).click()
    // A password that stands in a file is to be changed.
    await page.getByText('Choose a password of your own').waitFor()
  } finally {
    await fresh.stop()
  }
})
