// Evaluates texts outside of the page's thread, so that typing stays smooth.

import { check, type Input, type Modules, type Output } from './check'
import checkUrl from './check.wasm?url'
import policyUrl from '../../policy.wasm?url'

export interface Request {
  id: number
  input: Input
}

/** The output, or why there is none. */
export type Response = { id: number } & ({ output: Output } | { failure: string })

// Browsers cache the files, and the machine code of modules that are compiled while they stream.
const compile = (url: string) => WebAssembly.compileStreaming(fetch(url))
const modules: Promise<Modules> = Promise.all([compile(checkUrl), compile(policyUrl)]).then(([check, policy]) => ({ check, policy }))
// Each request reports it.
modules.catch(() => {})

self.addEventListener('message', async ({ data: { id, input } }: MessageEvent<Request>) => {
  self.postMessage(await respond(id, input))
})

async function respond(id: number, input: Input): Promise<Response> {
  try {
    return { id, output: check(await modules, input) }
  } catch (error) {
    return { id, failure: error instanceof Error ? error.message : String(error) }
  }
}
