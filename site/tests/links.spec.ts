import { expect, test } from '@playwright/test'
import { BASE, hasFile, pages } from './site'

test('links between pages lead to a page and to a heading', () => {
  const anchors = new Map(pages().map(({ address, html }) => [address, ids(html)]))
  const dead: string[] = []
  for (const { address, html } of pages()) {
    for (const href of links(html)) {
      const { origin, pathname, hash } = new URL(href, `http://site${BASE}${address}`)
      if (origin !== 'http://site') continue
      const target = pathname.startsWith(BASE) ? pathname.slice(BASE.length) : undefined
      const found = target === undefined ? undefined : anchors.get(target)
      const isDead = found ? hash !== '' && !found.has(decodeURIComponent(hash.slice(1))) : target === undefined || !hasFile(target)
      if (isDead) dead.push(`/${address}: ${href}`)
    }
  }
  expect(dead).toEqual([])
})

function ids(html: string): Set<string> {
  return new Set([...html.matchAll(/ id="([^"]*)"/g)].map((match) => match[1]))
}

function links(html: string): string[] {
  return [...html.matchAll(/ href="([^"]*)"/g)].map((match) => match[1].replaceAll('&amp;', '&'))
}
