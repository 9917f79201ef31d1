import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from '@playwright/test'
import type { AxeResults } from 'axe-core'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The rules of axe that the default theme breaks: the name of its search button lacks the key that opens the search. */
const BROKEN_BY_THEME = ['label-content-name-mismatch']

/** Returns what axe finds in an element, such as too little contrast and missing labels, each with the element that has it. */
export async function violations(page: Page, selector: string): Promise<string[]> {
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(AXE)
  const rules = Object.fromEntries(BROKEN_BY_THEME.map((rule) => [rule, { enabled: false }]))
  const options = { resultTypes: ['violations'], rules }
  const results: AxeResults = await page.evaluate(`axe.run('${selector}', ${JSON.stringify(options)})`)
  return results.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`))
}
