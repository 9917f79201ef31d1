// Writes the prose of every built page into a folder, without code: node site/text.js dist FOLDER. Spelling and words are checked there,
// because the first screen and the playground are only on the site.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const [dist, folder] = process.argv.slice(2)

for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.html'))) {
  const target = join(folder, file.replace(/\.html$/, '.md'))
  mkdirSync(dirname(target), { recursive: true })
  writeFileSync(target, prose(readFileSync(join(dist, file), 'utf8')))
}

/** Returns the text of a page, a line for each block. */
function prose(html) {
  return html
    .replace(/<(script|style|svg|pre|code)\b.*?<\/\1>/gs, ' 0 ')
    .replace(/<\/?(a|b|em|strong|span)\b[^>]*>/g, '')
    .replace(/<[^>]*>/g, '\n')
    .replace(/&(?:#\d+|#x[\da-f]+|\w+);/gi, ' ')
    .replace(/\n\s*\n+/g, '\n')
}
