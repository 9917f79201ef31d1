import { readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { DefaultTheme } from 'vitepress'
import groups from '../sidebar.json'

/**
 * Returns the sidebar: `sidebar.json` orders the pages, and each page names itself in its first heading.
 *
 * A group that begins with the page of a folder is closed on other pages. Its heading is a link to that page, because the default theme
 * puts a button into the heading, and a button must not contain another one.
 */
export function sidebar(pages: string): DefaultTheme.SidebarItem[] {
  return groups.map((group) => {
    const items = group.pages.flatMap((page) => expand(pages, page)).map((page) => item(pages, page))
    const isFolder = basename(group.pages[0]) === 'README.md'
    return isFolder ? { text: group.text, link: items[0].link, collapsed: true, items: items.slice(1) } : { text: group.text, items }
  })
}

/** Returns the pages that a pattern names. `folder/*.md` names all pages of a folder but its first, in the order of their names. */
function expand(pages: string, pattern: string): string[] {
  if (basename(pattern) !== '*.md') return [pattern]
  const folder = dirname(pattern)
  const names = readdirSync(join(pages, folder)).filter((name) => name.endsWith('.md') && name !== 'README.md')
  return names.sort().map((name) => `${folder}/${name}`)
}

function item(pages: string, page: string): DefaultTheme.SidebarItem {
  const heading = readFileSync(join(pages, page), 'utf8').match(/^# (.*)$/m)
  if (!heading) throw new Error(`${page}: expected a heading`)
  return { text: heading[1].replaceAll('`', ''), link: `/${page.replace(/(README)?\.md$/, '')}` }
}
