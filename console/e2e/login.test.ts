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
  } finally {
    await fresh.stop()
  }
})
