import { afterAll, beforeAll, expect, test } from 'vitest'
import type { schemas } from '../src/api/types'
import type { Api } from './harness/api'
import { inBrowser } from './harness/browser'
import { Partner } from './harness/partner'
import { PASSWORD, Server } from './harness/server'

const browser = inBrowser()
let server: Server
let partner: Partner
let api: Api
let path: string
let before: string

beforeAll(async () => {
  ;[server, partner] = await Promise.all([
    Server.start({ COURIER_ADMIN_PASSWORD: PASSWORD, COURIER_ENVIRONMENT: 'staging' }),
    Partner.start(),
  ])
  api = await server.api()
  await api.post('/api/users', { username: 'maria', password: PASSWORD, role: 'operator' })
  const key = await api.post<schemas['SshKey']>('/api/ssh-keys/generate', { name: 'ours', key_type: 'ed25519' })
  partner.authorize(key.public_key)
  const { id } = await api.post<schemas['Connection']>('/api/connections', {
    name: 'harbour',
    protocol: 'sftp',
    host: partner.host,
    port: partner.port,
    username: partner.user,
    auth_method: 'ssh_key',
    ssh_key_ids: [key.id],
  })
  path = `/connections/${id}`
  before = partner.fingerprint()
  await api.post(`/api${path}/test`)
  partner.changeHostKey()
})
afterAll(async () => {
  partner.stop()
  await server.stop()
})

test('a test of a server with another host key shows the key that is trusted beside the one it shows', async () => {
  const page = await browser.open(server, { as: 'admin' })
  await page.goto(path)
  await page.getByRole('button', { name: 'Test', exact: true }).click()
  await page.getByRole('alert').filter({ hasText: 'Error 3002' }).waitFor()
  const panel = page.getByRole('region', { name: 'The server shows another host key' })
  await panel.getByText(before).waitFor()
  await panel.getByText(partner.fingerprint()).waitFor()
})

test('the first page says that it needs somebody, and leads there', async () => {
  const page = await browser.open(server, { as: 'admin' })
  await page.goto('/')
  const needed = page.getByRole('region', { name: 'Needs attention' })
  await needed.getByRole('link', { name: 'harbour', exact: true }).click()
  await page.getByRole('region', { name: 'The server shows another host key' }).waitFor()
})

test('an operator sees what has happened, and nothing to approve it with', async () => {
  const page = await browser.open(server, { as: 'maria' })
  await page.goto(path)
  const panel = page.getByRole('region', { name: 'The server shows another host key' })
  await panel.getByText(partner.fingerprint()).waitFor()
  await panel.getByText('Tell an admin').waitFor()
  expect(await panel.getByRole('button', { name: /trust/i }).count()).toBe(0)
})

test('an admin trusts the new key by the name of the connection, and it connects again', async () => {
  const page = await browser.open(server, { as: 'admin' })
  await page.goto(path)
  await page.getByRole('button', { name: 'Trust this key' }).click()
  const question = page.getByRole('dialog', { name: 'Trust this host key' })
  await question.getByText(partner.fingerprint()).waitFor()
  const trust = question.getByRole('button', { name: 'Trust it' })
  expect(await trust.isDisabled()).toBe(true)
  await question.getByRole('textbox').fill('harbour')
  await trust.click()
  await question.waitFor({ state: 'hidden' })
  await page.getByRole('region', { name: 'The server shows another host key' }).waitFor({ state: 'hidden' })
  await page.getByRole('button', { name: 'Test', exact: true }).click()
  await page.getByText('It works').waitFor()
  await page.getByText('Healthy').first().waitFor()
  const { stored_host_fingerprint } = await api.get<schemas['Connection']>(`/api${path}`)
  expect(stored_host_fingerprint).toBe(partner.fingerprint())
})

test('a connection that takes any host key says so on each of its pages, and asks for no approval', async () => {
  await api.patch(`/api${path}`, { host_key_policy: 'always_trust' })
  partner.changeHostKey()
  await api.post(`/api${path}/test`)
  const page = await browser.open(server, { as: 'admin' })
  for (const tab of ['setup', 'keys', 'folders', 'history', 'audit']) {
    await page.goto(`${path}/${tab}`)
    await page.getByRole('alert').filter({ hasText: 'Host key verification disabled' }).waitFor()
    await page.getByRole('tab', { selected: true }).waitFor()
    expect(await page.getByText(/waits for an approval|shows another host key/).count(), tab).toBe(0)
  }
})
