import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { expect, test, type Page } from '@playwright/test'
import type { AxeResults } from 'axe-core'
import { pages } from './site'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The width of a small phone, in pixels. */
const PHONE = 360

for (const { address } of pages()) {
  test(`/${address}`, async ({ page, baseURL }) => {
    const errors = collectErrors(page, new URL(baseURL!).origin)
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await page.goto(address)
    await expect(page.getByRole('heading', { level: 1 }).first()).toBeVisible()
    await expectAccessible(page, '#VPContent')
    await page.setViewportSize({ width: PHONE, height: 740 })
    expect(await widerThanTheScreen(page)).toEqual([])
    expect(errors).toEqual([])
  })
}

test('the navigation can be used by everyone', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.goto('rules/')
  await expectAccessible(page, 'body')
})

/** Returns a list that grows with the errors in the console, failed requests, and requests to other sites. */
function collectErrors(page: Page, origin: string): string[] {
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  page.on('response', (response) => response.status() >= 400 && errors.push(`${response.status()} ${response.url()}`))
  page.on('request', (request) => {
    const { protocol, origin: of } = new URL(request.url())
    if (protocol.startsWith('http') && of !== origin) errors.push(`request to ${request.url()}`)
  })
  return errors
}

/** Expects that an element has enough contrast, labels and whatever else axe checks, in light and in dark mode. */
async function expectAccessible(page: Page, selector: string) {
  await page.evaluate(AXE)
  for (const isDark of [false, true]) {
    await page.evaluate((isDark) => document.documentElement.classList.toggle('dark', isDark), isDark)
    expect(await violations(page, selector), isDark ? 'dark' : 'light').toEqual([])
  }
}

/** The rules of axe that the default theme breaks: the name of its search button lacks the key that opens the search. */
const BROKEN_BY_THEME = ['label-content-name-mismatch']

/** Returns the violations in an element, each with its own element. */
async function violations(page: Page, selector: string): Promise<string[]> {
  const rules = Object.fromEntries(BROKEN_BY_THEME.map((rule) => [rule, { enabled: false }]))
  const options = { resultTypes: ['violations'], rules }
  const results: AxeResults = await page.evaluate(`axe.run('${selector}', ${JSON.stringify(options)})`)
  return results.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`))
}

/** Returns the elements because of which the page scrolls to the side. Code and tables scroll on their own. */
function widerThanTheScreen(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth
    if (document.documentElement.scrollWidth <= width) return []
    const elements = [...document.querySelectorAll('body *')].filter((element) => {
      const scrolls = element.closest('pre, table, [style*="overflow"]')
      return !scrolls && element.getBoundingClientRect().right > width + 1
    })
    return [`${document.documentElement.scrollWidth} pixels`, ...elements.slice(0, 5).map((element) => element.outerHTML.slice(0, 120))]
  })
}
