// Completion and descriptions of settings, from their JSON Schema. Their errors come from the policy.

import { type CompletionContext, type CompletionResult, autocompletion } from '@codemirror/autocomplete'
import type { EditorState, Extension } from '@codemirror/state'
import { hoverTooltip } from '@codemirror/view'
import settings from '../../settings.schema.json'
import { contextAt, type Step } from './yaml-path'

interface Schema {
  anyOf?: Schema[]
  description?: string
  enum?: unknown[]
  items?: Schema
  properties?: Record<string, Schema>
  type?: string | string[]
}

/** Completes settings, and describes them under the pointer. */
export const settingsSchema: Extension = [
  autocompletion({ override: [complete], icons: false }),
  hoverTooltip((view, position) => {
    const word = view.state.wordAt(position)
    const key = word && view.state.sliceDoc(word.from, word.to)
    const context = word && contextAt(view.state.doc, word.from)
    if (!key || context?.kind !== 'key') return null
    const description = describe(at(view.state, [...context.path, { key }]))
    return description ? { pos: word.from, end: word.to, create: () => ({ dom: paragraph(description) }) } : null
  }),
]

function complete({ state, pos, explicit }: CompletionContext): CompletionResult | null {
  const context = contextAt(state.doc, pos)
  if (!context || (!explicit && context.from === pos)) return null
  const schemas = at(state, context.path)
  const keys = schemas.flatMap(({ properties = {} }) => Object.entries(properties))
  // Values keep the order of the documents, from `off` to `deny`. Others are sorted by name.
  const options = [
    ...(context.kind === 'value' ? [] : keys.map(([label, schema]) => ({ label, apply: `${label}: `, type: 'property', info: () => paragraph(describe(alternatives(schema)) ?? '') }))),
    ...(context.kind === 'key' ? [] : values(schemas).map((label, index) => ({ label, type: 'enum', boost: -index }))),
  ]
  return options.length ? { from: context.from, options, validFor: /^[\w*+-]*$/ } : null
}

/** Returns the values that schemas list. */
function values(schemas: Schema[]): string[] {
  const listed = schemas.flatMap(({ enum: values = [], type = [] }) => [...values, ...([type].flat().includes('boolean') ? [true, false] : [])])
  const words = new Set(listed.filter((value) => value !== null).map(String))
  // `off` is a boolean in YAML.
  if (words.has('off')) words.delete('false')
  return [...words].map((word) => (/^[\w-]+$/.test(word) ? word : JSON.stringify(word)))
}

/** Returns the schemas of a path. In manifests of policies, settings are in `spec`. */
function at(state: EditorState, path: Step[]): Schema[] {
  let steps = path
  if (/^apiVersion: *["']?policies\.kubewarden\.io\//m.test(state.doc.toString())) {
    const keys = path.map((step) => (step === 'item' ? '' : step.key)).join('.')
    const prefix = /^spec\.(policies\.[^.]+\.)?settings(?=\.|$)/.exec(keys)?.[0]
    if (!prefix) return []
    steps = path.slice(prefix.split('.').length)
  }
  return steps.reduce((schemas, step) => schemas.flatMap((schema) => follow(schema, step)), alternatives(settings as unknown as Schema))
}

function follow({ properties, items }: Schema, step: Step): Schema[] {
  const next = step === 'item' ? items : properties?.[step.key]
  return next ? alternatives(next) : []
}

function alternatives(schema: Schema): Schema[] {
  return [schema, ...(schema.anyOf ?? []).flatMap(alternatives)]
}

function describe(schemas: Schema[]): string | undefined {
  return schemas.find(({ description }) => description)?.description
}

function paragraph(text: string): HTMLElement {
  const dom = document.createElement('p')
  dom.className = 'description'
  dom.textContent = text
  return dom
}
