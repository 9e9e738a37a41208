import { afterAll, beforeAll, test } from 'vitest'
import { inBrowser } from './harness/browser'
import { screenshots } from './harness/folders'
import { lookedAt, settled } from './harness/look'
import { Server } from './harness/server'
import { World } from './harness/world'

const browser = inBrowser()
let world: World
let fresh: Server

beforeAll(async () => {
  world = await World.make()
  fresh = await Server.start()
})
afterAll(async () => {
  await Promise.all([world.stop(), fresh.stop()])
  process.stdout.write(`pictures of every page are in ${screenshots}\n`)
})

/** Pages by a name for their pictures: an address, or a short name of the world's and what follows it. */
const pages: [name: string, address: string][] = [
  ['overview', '/'],
  ['connections', '/connections'],
  ['connections new', '/connections/new'],
  ['connection set-up', '{bank}'],
  ['connection keys', '{bank}/keys'],
  ['connection folders', '{bank}/folders'],
  ['connection mapping', '{mapping}'],
  ['connection history', '{bank}/history'],
  ['connection audit', '{bank}/audit'],
  ['connection with a changed host key', '{harbour}'],
  ['connection with insecure trust', '{insecure}'],
  ['connection that fails', '{failing}'],
  ['jobs', '/jobs'],
  ['jobs new', '/jobs/new'],
  ['job', '{fetch-report}'],
  ['job edit', '{fetch-report}/edit'],
  ['job versions', '{fetch-report}/versions'],
  ['executions', '/executions'],
  ['execution running', '{running}'],
  ['execution completed', '{completed}'],
  ['execution failed', '{failed}'],
  ['ssh-keys', '/ssh-keys'],
  ['ssh-key', '{key}'],
  ['storages', '/storages'],
  ['alerts', '/alerts'],
  ['alert', '{alert}'],
  ['audit', '/audit'],
  ['users', '/users'],
  ['tokens', '/tokens'],
  ['settings', '/settings'],
  ['account', '/account'],
  ['missing', '/nowhere'],
]

const addressed = (address: string) => address.replace(/\{([\w-]+)\}/, (_, name: string) => world.at[name] ?? '')

test.for(pages)('%s can be read by everybody, in both themes and on a narrow screen', async ([name, address]) => {
  const page = await browser.open(world.server, { as: 'admin' })
  await page.goto(addressed(address))
  await settled(page)
  await lookedAt(page, name)
})

const emptyPages = ['/', '/connections', '/jobs', '/executions', '/ssh-keys', '/storages', '/alerts', '/tokens']

test.for(emptyPages)('%s of a fresh server can be read by everybody, too', async (address) => {
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
