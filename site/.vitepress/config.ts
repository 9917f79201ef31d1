import { resolve } from 'node:path'
import { defineConfig } from 'vitepress'
import { linkToRepository } from './links'
import { sidebar } from './sidebar'

const SITE = resolve(import.meta.dirname, '..')
const PAGES = resolve(SITE, '../docs')
const BASE = '/immutable-pods-policy/'
const REPOSITORY = 'https://github.com/immutable-pods/immutable-pods-policy'

export default defineConfig({
  lang: 'en',
  title: 'immutable-pods-policy',
  description: 'A Kubewarden policy for containers that do not change while they run.',
  base: BASE,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${BASE}icon.svg` }]],
  // GitHub shows the same files.
  srcDir: PAGES,
  outDir: './dist',
  cleanUrls: true,
  rewrites: { 'README.md': 'index.md', ':folder/README.md': ':folder/index.md' },
  markdown: {
    config: (md) => linkToRepository(md, REPOSITORY, PAGES),
  },
  themeConfig: {
    nav: [
      { text: 'Playground', link: '/playground' },
    ],
    sidebar,
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
  },
  vite: {
    publicDir: resolve(SITE, 'public'),
    // The playground reads the modules and the examples.
    server: { fs: { allow: [resolve(SITE, '..')] } },
    plugins: [
      {
        // The pages are compiled in their folder, where packages are not installed.
        name: 'packages-of-the-site',
        enforce: 'pre',
        resolveId(id, importer, options) {
          const isPackage = /^[a-z@]/.test(id)
          return isPackage && importer?.startsWith(`${PAGES}/`) ? this.resolve(id, resolve(SITE, 'package.json'), options) : null
        },
      },
    ],
  },
})
