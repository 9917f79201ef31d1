import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The path of the site on its server. */
export const BASE = '/immutable-pods-policy/'

const DIST = resolve(import.meta.dirname, '../dist')

/** A page of the built site. */
export interface Page {
  /** The address on the server, without the base: `rules/hostPorts`, or `rules/` for the page of a folder. */
  address: string
  html: string
}

/** Returns every page, in the order of addresses. */
export function pages(): Page[] {
  const files = readdirSync(DIST, { recursive: true, encoding: 'utf8' })
  const pages = files.filter((file) => file.endsWith('.html') && file !== '404.html')
  return pages.sort().map((file) => ({
    address: file.replace(/(index)?\.html$/, ''),
    html: readFileSync(join(DIST, file), 'utf8'),
  }))
}

/** Whether the built site has a file that is not a page, such as an icon. */
export function hasFile(address: string): boolean {
  return readdirSync(DIST, { recursive: true, encoding: 'utf8' }).includes(address)
}
