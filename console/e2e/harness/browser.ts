import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { screenshots } from './folders'
import { PASSWORD, type Server } from './server'

/** Debian's. As root it has no sandbox, and nothing that it loads is foreign. */
const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  })

export type Look = { scheme?: 'light' | 'dark'; width?: number; height?: number }

type Visit = Look & {
  /** Who is logged in; nobody without. */
  as?: string
  /** Answers that are no success and meant to be, as `PUT /api/settings/x 403`. */
  refused?: RegExp
}

/**
 * A browser for a file of tests. At the end of each test it is held to what must be true everywhere: nothing in the
 * browser's console, no answer that says no but where the test wants one, no word to another host.
 */
export function inBrowser() {
  let browser: Browser
  let contexts: BrowserContext[] = []
  let wrong: string[] = []

  beforeAll(async () => {
    browser = await launch()
  })
  afterAll(() => browser?.close())
  afterEach(async ({ task }) => {
    const seen = wrong
    if (task.result?.state === 'fail') await picture(task.name, contexts)
    await Promise.all(contexts.map((context) => context.close()))
    contexts = []
    wrong = []
    expect(seen, 'what a browser must not see').toEqual([])
  })

  /** Opens a window on the server's console; go somewhere with it. */
  async function open(server: Server, { as, refused, ...look }: Visit = {}): Promise<Page> {
    const context = await browser.newContext({
      baseURL: server.url,
      viewport: { width: look.width ?? 1280, height: look.height ?? 900 },
      colorScheme: look.scheme ?? 'light',
      locale: 'en-GB',
      timezoneId: 'Europe/Berlin',
      reducedMotion: 'reduce',
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    contexts.push(context)
    context.setDefaultTimeout(15_000)
    if (as) await logIn(context, server.url, as)
    const page = await context.newPage()
    watch(page, server.url, refused, (what) => wrong.push(`${new URL(page.url()).pathname}: ${what}`))
    return page
  }

  return { open }
}

/** Sessions that tests have begun, by server and user: a password takes its time, on purpose. */
const sessions = new Map<string, Awaited<ReturnType<BrowserContext['cookies']>>>()

async function logIn(context: BrowserContext, url: string, username: string) {
  const key = `${url} ${username}`
  await context.addCookies(sessions.get(key) ?? [])
  // A test may have ended it.
  if (sessions.has(key) && (await context.request.get('/api/auth/me')).ok()) return
  const login = await context.request.post('/api/auth/login', { data: { username, password: PASSWORD } })
  expect(login.status(), `the login of ${username}`).toBe(200)
  sessions.set(key, await context.cookies())
}

/** What was on the screen when a test failed. */
async function picture(test: string, contexts: BrowserContext[]) {
  for (const page of contexts.flatMap((context) => context.pages())) {
    const path = join(screenshots, `failed ${test.replaceAll(/[^\w]+/g, '-')}.png`)
    await page.screenshot({ path, fullPage: true })
    process.stdout.write(`the page when it failed: ${path}\n`)
  }
}

function watch(page: Page, url: string, refused: RegExp | undefined, report: (what: string) => void) {
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return
    // Of answers that say no more is known below.
    if (message.text().startsWith('Failed to load resource')) return
    report(`${message.type()} ${message.text()}`)
  })
  page.on('pageerror', (error) => report(error.stack ?? error.message))
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (origin !== url && !['data:', 'blob:'].includes(protocol)) report(`asked ${request.url()}`)
  })
  page.on('response', (response) => {
    if (response.status() < 400) return
    const { pathname } = new URL(response.url())
    const answer = `${response.request().method()} ${pathname} ${response.status()}`
    // Who isn't logged in is told so, and only that way.
    if (answer !== 'GET /api/auth/me 401' && !refused?.test(answer)) report(answer)
  })
}
