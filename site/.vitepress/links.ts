import { existsSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import type MarkdownIt from 'markdown-it'

/**
 * Links to files that are not pages of the site go to the repository.
 *
 * Documents link to each other, and to code, as GitHub needs it: relative to their own path. VitePress resolves only the links
 * between pages.
 */
export function linkToRepository(md: MarkdownIt, repository: string, pages: string) {
  const root = dirname(pages)
  md.core.ruler.push('link-to-repository', ({ tokens, env }) => {
    for (const link of tokens.flatMap((token) => token.children ?? []).filter(({ type }) => type === 'link_open')) {
      const href = link.attrGet('href') ?? ''
      if (/^([a-z]+:|#|\/)/.test(href)) continue
      const [path, fragment] = href.split('#')
      const target = resolve(dirname(env.realPath ?? env.path), path)
      if (!existsSync(target)) throw new Error(`${env.path}: the link ${href} leads to no file`)
      const isFolder = statSync(target).isDirectory()
      const isPage = target.startsWith(`${pages}/`) && (isFolder ? existsSync(join(target, 'README.md')) : target.endsWith('.md'))
      if (isPage) continue
      const url = `${repository}/${isFolder ? 'tree' : 'blob'}/main/${relative(root, target)}`
      link.attrSet('href', fragment ? `${url}#${fragment}` : url)
    }
  })
}
