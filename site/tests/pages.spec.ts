import { expect, test } from '@playwright/test'

test('a page opens without errors', async ({ page }) => {
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()))
  await page.goto('playground')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/Playground/)
  expect(errors).toEqual([])
})
