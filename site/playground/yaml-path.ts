// Finds out where in a YAML document someone types. A parser would not help: the document is not finished.

import type { Text } from '@codemirror/state'

/** A step of a path: a key, or any item of a list. */
export type Step = { key: string } | 'item'

/** What can be typed at a place: a key of a mapping, a value, or either of them. */
export interface Context {
  kind: 'key' | 'value' | 'either'
  /** The way to the mapping that gets the key, or to the value. */
  path: Step[]
  /** The start of the word. */
  from: number
}

const KEY = /^["']?([\w.-]+)["']?:(?=\s|$)/
const WORD = /["']?[\w*+-]*$/

/** Returns what can be typed at a position. Nothing in comments and in texts that this function does not understand. */
export function contextAt(doc: Text, position: number): Context | undefined {
  const line = doc.lineAt(position)
  const before = line.text.slice(0, position - line.from)
  const { column, dashes } = indentation(before)
  const rest = before.slice(column)
  if (/(^|\s)#/.test(rest)) return undefined
  const from = position - (WORD.exec(rest)?.[0].length ?? 0)
  const parents = parentsOf(doc, line.number, column, dashes)
  const typed = rest.slice(0, rest.length - (position - from))
  const flow = inFlow(typed)
  if (flow) return { ...flow, path: [...parents, ...flow.path], from }
  const key = KEY.exec(typed)
  if (key && typed.slice(key[0].length).trim() === '') return { kind: 'value', path: [...parents, { key: key[1] }], from }
  if (typed !== '') return undefined
  return { kind: parents.at(-1) === 'item' && dashes.length ? 'either' : 'key', path: parents, from }
}

/** Returns the column of the content of a line, and the columns of the dashes before it. */
function indentation(line: string): { column: number; dashes: number[] } {
  const prefix = /^ *(?:- +|-$)*/.exec(line)![0]
  const dashes = [...prefix].flatMap((character, column) => (character === '-' ? [column] : []))
  return { column: prefix.length, dashes }
}

/** Returns the path to the mapping that contains the content of a line. */
function parentsOf(doc: Text, number: number, column: number, dashes: number[]): Step[] {
  const path: Step[] = []
  // A parent is a key left of the content, or left of the dash or above it.
  let keysBefore = column
  let dashesBefore = column
  const enter = (dashes: number[]) => {
    for (const dash of dashes.filter((dash) => dash < dashesBefore).reverse()) {
      path.unshift('item')
      keysBefore = dash + 1
      dashesBefore = dash
    }
  }
  enter(dashes)
  for (let above = number - 1; above > 0 && keysBefore > 0; above--) {
    const { text } = doc.line(above)
    if (/^---/.test(text)) break
    if (/^\s*(#|$)/.test(text)) continue
    const { column, dashes } = indentation(text)
    const key = KEY.exec(text.slice(column))
    if (key && column < keysBefore) {
      path.unshift({ key: key[1] })
      keysBefore = column
      dashesBefore = column
    }
    enter(dashes)
  }
  return path
}

/** Returns where a text in flow style ends: within `{mode: deny, allow: [`. Nothing if no bracket is open. */
function inFlow(text: string): Pick<Context, 'kind' | 'path'> | undefined {
  const start = text.search(/[[{]/)
  const key = KEY.exec(text)
  // A text before a bracket that is not a key makes it a part of a string.
  if (start < 0 || text.slice(key?.[0].length ?? 0, start).trim() !== '') return undefined
  const open: { bracket: string; key?: string }[] = []
  for (const token of text.slice(start).match(/[[\]{},]|["']?[\w.-]+["']?:(?=\s|$)|[^\s[\]{},]+/g) ?? []) {
    const inner = open.at(-1)
    if (token === '{' || token === '[') open.push({ bracket: token })
    else if (token === '}' || token === ']') open.pop()
    else if (token === ',' && inner) inner.key = undefined
    else if (token.endsWith(':') && inner) inner.key = token.slice(0, -1).replaceAll(/["']/g, '')
  }
  const inner = open.at(-1)
  if (!inner) return undefined
  const path: Step[] = key ? [{ key: key[1] }] : []
  for (const { bracket, key } of open) {
    if (bracket === '[') path.push('item')
    else if (key) path.push({ key })
  }
  return { kind: inner.bracket === '[' ? 'value' : inner.key ? 'value' : 'key', path }
}
