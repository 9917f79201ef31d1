import type { DefaultTheme } from 'vitepress'

/** The pages of the site, in the order of the sidebar. */
export const sidebar: DefaultTheme.Sidebar = [
  {
    text: 'Start',
    items: [
      { text: 'Install', link: '/install' },
    ],
  },
]
