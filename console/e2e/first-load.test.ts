import { afterAll, beforeAll, expect, test } from 'vitest'
import { inBrowser } from './harness/browser'
import { settled } from './harness/look'
import { Server } from './harness/server'

/** Bytes on the wire until the first page can be used. */
const LIMIT = 300_000

const browser = inBrowser()
let server: Server

beforeAll(async () => {
  server = await Server.start()
})
afterAll(() => server.stop())

test('the first page takes less than 300 kB until it can be used', async () => {
  const page = await browser.open(server, { as: 'admin' })
  const loaded: Promise<number>[] = []
  page.on('requestfinished', (request) => {
    loaded.push(
      request.sizes().then(({ responseBodySize, responseHeadersSize }) => responseBodySize + responseHeadersSize),
    )
  })
  const started = performance.now()
  await page.goto('/', { waitUntil: 'commit' })
  await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
  const usable = performance.now() - started
  await settled(page)
  const bytes = (await Promise.all(loaded)).reduce((sum, size) => sum + size, 0)
  process.stdout.write(`first load: ${(bytes / 1000).toFixed(0)} kB, there after ${usable.toFixed(0)} ms\n`)
  expect(bytes).toBeLessThan(LIMIT)
})

test('a page that was here before takes nothing but what has changed', async () => {
  const page = await browser.open(server, { as: 'admin' })
  await page.goto('/')
  await settled(page)
  const again: string[] = []
  page.on('response', (response) => {
    const { pathname } = new URL(response.url())
    if (pathname.startsWith('/assets/')) again.push(pathname)
  })
  await page.evaluate(() => performance.clearResourceTimings())
  await page.reload()
  await settled(page)
  expect(again.length, 'files of the console').toBeGreaterThan(0)
  const sent = await page.evaluate(() => {
    const files = performance.getEntriesByType('resource') as PerformanceResourceTiming[]
    return files
      .filter(({ name }) => name.includes('/assets/'))
      .reduce((sum, { transferSize }) => sum + transferSize, 0)
  })
  expect(sent).toBe(0)
})
