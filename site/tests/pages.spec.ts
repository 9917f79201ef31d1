import { expect, test, type Page } from '@playwright/test'
import { violations } from './accessibility'
import { pages } from './site'

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

/** Expects that an element is accessible in light and in dark mode. */
async function expectAccessible(page: Page, selector: string) {
  for (const isDark of [false, true]) {
    await page.evaluate((isDark) => document.documentElement.classList.toggle('dark', isDark), isDark)
    expect(await violations(page, selector), isDark ? 'dark' : 'light').toEqual([])
  }
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
