import { afterAll, beforeAll, test } from 'vitest'
import { inBrowser } from './harness/browser'
import { screenshots } from './harness/folders'
import { lookedAt, settled } from './harness/look'
import { addressed, pages } from './harness/pages'
import { World } from './harness/world'

const browser = inBrowser()
let world: World

beforeAll(async () => {
  world = await World.make()
})
afterAll(async () => {
  await world.stop()
  process.stdout.write(`pictures of every page are in ${screenshots}\n`)
})

test.for(pages)('%s can be read by everybody, in both themes and on a narrow screen', async ([name, address]) => {
  const page = await browser.open(world.server, { as: 'admin' })
  await page.goto(addressed(address, world))
  await settled(page)
  await lookedAt(page, name)
})
