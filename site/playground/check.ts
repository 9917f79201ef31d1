import { call, type HostCalls } from './wapc'

/** A text with the name of a file, which decides whether the text is YAML or JSON. */
export interface Text {
  name: string
  text: string
}

/** The texts of the editors. Without `old`, every object is created. */
export interface Input {
  manifest: Text
  old?: Text
  settings: Text
}

/** What is wrong with a text. Lines and columns start at 1. */
export interface Failure {
  sentence: string
  message: string
  line?: number
  column?: number
}

export interface DiffLine {
  kind: 'header' | 'hunk' | 'context' | 'removed' | 'added'
  text: string
}

export interface Finding {
  level: 'deny' | 'warn' | 'monitor'
  rule?: string
  severity?: string
  path?: string
  message: string
  line?: number
  column?: number
  policy?: string
}

export type Verdict = 'admitted' | 'fixed' | 'denied' | 'refused' | 'nothingToEvaluate' | 'skipped'

export interface EvaluatedObject {
  document?: number
  items?: number[]
  apiVersion: string
  kind: string
  namespace?: string
  name: string
  verdict: Verdict
  findings: Finding[]
  policies: { name?: string; outcome: string; reason?: string; notes?: string[] }[]
}

export interface Unreadable {
  document?: number
  items?: number[]
  line?: number
  column?: number
  message: string
}

/** The fields of `check --output json` that the page shows. `immutable-pods schema output` describes all of them. */
export interface Report {
  objects: EvaluatedObject[]
  unreadable: Unreadable[]
}

/** What `site/playground/check` returns. Without a report, the settings are invalid. */
export interface Output {
  settings: Failure[]
  old: Failure[]
  warnings: string[]
  report?: Report
  /** The diff of each object in the report. Empty for an object that is not fixed. */
  fixes: DiffLine[][]
}

/** The modules: the command `check`, and the policy that clusters load. */
export interface Modules {
  check: WebAssembly.Module
  policy: WebAssembly.Module
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Evaluates texts like `immutable-pods check --output json --show-fixes --policy SETTINGS MANIFEST`. */
export function check(modules: Modules, input: Input): Output {
  const answerCheck: HostCalls = (name, payload) => {
    const operation = name.replace(/^playground\/policy\//, '')
    return call(modules.policy, operation, payload, answerPolicy)
  }
  const output = call(modules.check, 'check', encoder.encode(JSON.stringify(input)), answerCheck)
  return JSON.parse(decoder.decode(output))
}

/** Answers the policy as `check` does without a recording: a browser cannot ask registries. */
const answerPolicy: HostCalls = (name) => {
  if (name === 'kubewarden/tracing/log') return new Uint8Array()
  throw new Error(`${name} ${NOT_AVAILABLE}`)
}

/** The end of each message about a host call. */
export const NOT_AVAILABLE = 'is not available here: pass a recording'
