import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { defineConfig, type PageData } from 'vitepress'
import { githubAnchor, resolveLinks } from './links'
import { scrollPictures } from './pictures'
import { sidebar } from './sidebar'

const SITE = resolve(import.meta.dirname, '..')
const PAGES = resolve(SITE, '../docs')
const BASE = '/immutable-pods-policy/'
const REPOSITORY = 'https://github.com/immutable-pods/immutable-pods-policy'
const DESCRIPTION = 'A Kubewarden policy for containers that do not change while they run.'

/** The first screen of the site, above the list of pages, which GitHub shows alone. */
const HOME = {
  layout: 'home',
  title: 'Containers that do not change',
  hero: {
    text: 'Containers that do not change',
    tagline: 'You replace a container, you do not patch it. This Kubewarden policy denies pods that could change while they run, or fixes them.',
    actions: [
      { text: 'Start in a cluster', link: '/install' },
      { text: 'Start on your machine', link: '/local', theme: 'alt' },
      { text: 'Playground', link: '/playground', theme: 'alt' },
    ],
  },
  features: [
    { title: 'One policy', details: 'Rules for every field that makes a container changeable, in pods and in all objects that create pods.', link: '/rules/' },
    { title: 'Fixes', details: 'Sets unset fields and mounts the volumes that a read-only root needs. It never overwrites a value.', link: '/fix' },
    { title: 'The same verdict everywhere', details: 'In the cluster, in CI, on your machine and in your browser.', link: '/check' },
    { title: 'Limits that are written down', details: 'A threat model, and a map of what gets past.', link: '/limits' },
  ],
}

/** Whether a page is written from the code, so that an edit of the page would be lost. */
function isGenerated(page: PageData): boolean {
  return readFileSync(resolve(PAGES, page.filePath), 'utf8').startsWith('<!-- Generated')
}

export default defineConfig({
  lang: 'en',
  title: 'immutable-pods-policy',
  description: DESCRIPTION,
  base: BASE,
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: `${BASE}icon.svg` }]],
  // GitHub shows the same files.
  srcDir: PAGES,
  outDir: './dist',
  cleanUrls: true,
  rewrites: { 'README.md': 'index.md', ':folder/README.md': ':folder/index.md' },
  markdown: {
    anchor: { slugify: githubAnchor },
    // The themes with enough contrast.
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-default' },
    config(md) {
      resolveLinks(md, REPOSITORY, PAGES)
      scrollPictures(md)
    },
  },
  transformPageData(page: PageData) {
    if (page.relativePath === 'index.md') Object.assign(page.frontmatter, HOME)
    if (isGenerated(page)) page.frontmatter.editLink = false
  },
  themeConfig: {
    logo: '/icon.svg',
    nav: [
      { text: 'Start', link: '/install' },
      { text: 'Rules', link: '/rules/' },
      { text: 'Settings', link: '/settings' },
      { text: 'Playground', link: '/playground' },
    ],
    sidebar: sidebar(PAGES),
    outline: [2, 3],
    search: {
      provider: 'local',
      // Other pages have headings with the name of a rule, too. The function runs in the browser, so it is complete in itself.
      options: { miniSearch: { searchOptions: { boostDocument: (id: string) => (id.includes('/rules/') ? 3 : 1) } } },
    },
    socialLinks: [{ icon: 'github', link: REPOSITORY }],
    editLink: { pattern: `${REPOSITORY}/edit/main/docs/:path`, text: 'Edit this page' },
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
