import { expect, test } from '@playwright/test'
import { BASE, pages } from './site'

test('the search finds every rule', async ({ page }) => {
  const rules = pages().map(({ address }) => address).filter((address) => /^rules\/./.test(address))
  expect(rules.length).toBeGreaterThan(20)
  await page.goto('')
  await page.keyboard.press('Control+k')
  const input = page.getByRole('searchbox').or(page.locator('#localsearch-input'))
  for (const rule of rules) {
    await input.fill(rule.slice('rules/'.length))
    await expect(page.locator('.result').first()).toHaveAttribute('href', new RegExp(`^${BASE}${rule}(#.*)?$`))
  }
})

test('the search can be used with the keyboard', async ({ page }) => {
  await page.goto('')
  await page.keyboard.press('Control+k')
  await page.locator('#localsearch-input').fill('hostPorts')
  await expect(page.locator('.result').first()).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/rules\/hostPorts/)
})
