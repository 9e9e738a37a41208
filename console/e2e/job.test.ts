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

/** Bytes a second at which a file can be watched. */
const SLOW = 2_000_000

beforeAll(async () => {
  ;[server, partner] = await Promise.all([Server.start(), Partner.start()])
  api = await server.api()
  await api.post('/api/users', { username: 'maria', password: PASSWORD, role: 'operator' })
  const key = await api.post<schemas['SshKey']>('/api/ssh-keys/generate', { name: 'ours', key_type: 'ed25519' })
  partner.authorize(key.public_key)
  partner.big('outbox/ledger.tar', 40_000_000)
  const { id } = await api.post<schemas['Connection']>('/api/connections', {
    name: 'northbank',
    protocol: 'sftp',
    host: partner.host,
    port: partner.port,
    username: partner.user,
    auth_method: 'ssh_key',
    ssh_key_ids: [key.id],
  })
  await api.post(`/api/connections/${id}/test`)
})
afterAll(async () => {
  partner.stop()
  await server.stop()
})

/** The job's page. */
async function visit(): Promise<Page> {
  const [job] = await api.list<schemas['Job']>('/api/jobs')
  const page = await browser.open(server, { as: 'maria' })
  await page.goto(`/jobs/${job?.id}`)
  await page.getByRole('heading', { name: 'fetch-ledger', level: 1 }).waitFor()
  return page
}

/** How far the bar of the file is, percent. */
const percent = async (page: Page) =>
  Number(await page.getByRole('progressbar', { name: 'ledger.tar' }).getAttribute('aria-valuenow'))

test('a job is made with typed forms, its file found on the server', async () => {
  const page = await browser.open(server, { as: 'maria' })
  await page.goto('/jobs')
  await page.getByRole('link', { name: 'New job' }).click()
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('fetch-ledger')
  await page.getByRole('button', { name: 'Add a step' }).click()
  await page
    .getByRole('dialog', { name: 'Add a step' })
    .getByRole('button', { name: /sftp\.download/ })
    .click()
  const step = page.getByRole('group', { name: 'Step 1: Download' })
  await step
    .getByRole('combobox', { name: 'Connection' })
    .or(step.getByRole('textbox', { name: 'Connection' }))
    .click()
  await page.getByRole('option', { name: /northbank/ }).click()
  await step.getByRole('button', { name: 'Browse the server' }).click()
  const around = page.getByRole('dialog', { name: 'Choose a file' })
  await around.getByRole('button', { name: 'outbox' }).click()
  await around.getByRole('button', { name: 'ledger.tar' }).click()
  expect(await step.getByRole('textbox', { name: 'Path on the server' }).inputValue()).toBe('outbox/ledger.tar')
  expect(await barriers(page)).toEqual([])

  await page.getByRole('button', { name: 'Make the job' }).click()
  await page.getByRole('heading', { name: 'fetch-ledger', level: 1 }).waitFor()
  const [job] = await api.list<schemas['Job']>('/api/jobs')
  expect(job?.steps[0]?.config).toMatchObject({ remote_path: 'outbox/ledger.tar' })
})

test('a run shows its file on the way, with bar, rate and time left, and can be cancelled', async () => {
  partner.rate = SLOW
  const page = await visit()
  await page.getByRole('button', { name: 'Run now' }).click()
  await page.waitForURL(/\/executions\//)
  await page.getByText('Running', { exact: true }).first().waitFor()
  await expect.poll(() => percent(page), { timeout: 20_000 }).toBeGreaterThan(0)
  const seen = await percent(page)
  // Without a reload.
  await expect.poll(() => percent(page), { timeout: 20_000 }).toBeGreaterThan(seen)
  await page.getByText(/MB of 40\.0 MB · .*B\/s · .* left/).waitFor()
  expect(await barriers(page)).toEqual([])

  await page.getByRole('button', { name: 'Cancel execution' }).click()
  const question = page.getByRole('dialog', { name: 'Cancel this execution?' })
  await question.getByRole('button', { name: 'Cancel execution' }).click()
  await page.getByText('Cancelled', { exact: true }).first().waitFor()
  const [execution] = await api.list<schemas['Execution']>('/api/executions')
  expect(execution?.state).toBe('cancelled')
})

test('a run that is paused goes on where it was, to its end', async () => {
  partner.rate = SLOW
  const page = await visit()
  await page.getByRole('button', { name: 'Run now' }).click()
  await page.waitForURL(/\/executions\//)
  await expect.poll(() => percent(page), { timeout: 20_000 }).toBeGreaterThan(0)
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByText('Paused', { exact: true }).first().waitFor()
  partner.rate = undefined
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.getByText('Completed', { exact: true }).first().waitFor()
})

test('what runs is on the first page, live', async () => {
  partner.rate = SLOW
  const page = await browser.open(server, { as: 'maria' })
  await page.goto('/')
  const running = page.getByRole('region', { name: 'Running now' })
  await running.waitFor()
  const [job] = await api.list<schemas['Job']>('/api/jobs')
  const { id } = await api.post<schemas['Execution']>(`/api/jobs/${job?.id}/run`)
  await running.getByRole('link', { name: 'fetch-ledger' }).waitFor()
  await running.getByText(/B\/s/).first().waitFor()
  await api.post(`/api/executions/${id}/cancel`)
  await running.getByRole('link', { name: 'fetch-ledger' }).waitFor({ state: 'hidden' })
})
