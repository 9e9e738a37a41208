import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { screenshots } from './folders'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Waits until the page shows what it was asked for: nothing is being loaded, and it has been drawn. */
export async function settled(page: Page) {
  await page.getByRole('heading', { level: 1 }).first().waitFor()
  await page.waitForFunction(() => !document.querySelector('[aria-label="Loading"], [data-loading="true"]'))
  await page.evaluate(() => document.fonts.ready)
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))))
}

/** What axe finds that keeps people from using the page: of the grades serious and critical. */
export async function barriers(page: Page): Promise<string[]> {
  // As the browser's tools do it, so that the page's policy doesn't have to let it in.
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe)
  const { violations } = await page.evaluate(() => {
    const { axe } = window as unknown as { axe: { run: (options: unknown) => Promise<AxeResults> } }
    return axe.run({ resultTypes: ['violations'] })
  })
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`))
}

/** How far the page is wider than its window, pixels, and what sticks out. */
export const tooWide = (page: Page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    if (scrollWidth <= clientWidth) return []
    const sticksOut = [...document.querySelectorAll('body *')].filter(
      (element) => element.getBoundingClientRect().right > clientWidth + 1,
    )
    return sticksOut.slice(0, 8).map((element) => element.outerHTML.slice(0, 120))
  })

/** Takes a picture of the whole page for people to look at. */
export async function picture(page: Page, name: string) {
  await page.evaluate(() => window.scrollTo(0, 0))
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true, animations: 'disabled' })
}

/** Looks at the page in both themes, wide and narrow: it can be read and used in each. */
export async function lookedAt(page: Page, name: string) {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme })
    await page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor({ state: 'attached' })
    for (const width of [1280, 400]) {
      await page.setViewportSize({ width, height: 900 })
      await settled(page)
      await picture(page, `${name} ${scheme} ${width}`)
      const wide = await tooWide(page)
      expect(wide, `${name} at a width of ${width}`).toEqual([])
      if (width === 1280) expect(await barriers(page), `${name}, ${scheme}`).toEqual([])
    }
  }
}
