// The playground and the command line agree: the same texts give the same verdicts, findings, positions and errors.

import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import type { Input, Output } from './check'
import type { Response } from './worker'

const ROOT = resolve(import.meta.dirname, '../..')
const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target')
const PROGRAM = join(TARGET, 'debug/immutable-pods')
const POD = 'apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  containers: []\n  hostPID: true\n'

/** What `cargo xtask cases` wrote. */
const CASES = join(TARGET, 'site-cases')

/** Files of the command line, and the same texts for the playground. */
interface Case {
  manifest: string
  settings: string
  input: Input
}

// The program runs hundreds of times.
test.describe.configure({ timeout: 600_000 })

let folder: string
test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'playground-'))
})
test.afterAll(() => rmSync(folder, { recursive: true }))

test('the cases of the policy', async ({ page }) => {
  const cases = requests().map(({ name, request, settings }) => write(`${name}/request.yaml`, JSON.stringify(request, null, 1), settings))
  expect(cases.length).toBeGreaterThan(1_000)
  await agree(page, cases)
})

test('the objects of the cases, with positions', async ({ page }) => {
  const created = requests().filter(({ request }) => request.operation === 'CREATE' && request.object?.kind)
  const cases = created.map(({ name, request, settings }) => write(`${name}/object.yaml`, JSON.stringify(request.object, null, 2), settings))
  expect(cases.length).toBeGreaterThan(500)
  await agree(page, cases)
})

test('every example', async ({ page }) => {
  const files = readdirSync(join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' }).filter((file) => /\.(yaml|json)$/.test(file))
  const example = (file: string) => readFileSync(join(ROOT, 'examples', file), 'utf8')
  const policies = files.filter((file) => /^(policies|rollout|registry\/policy)/.test(file))
  const manifests = files.filter((file) => !policies.includes(file))
  const cases = ['', ...policies].flatMap((policy) =>
    manifests.map((file) => write(`examples/${policy}/${file}`, example(file), policy ? example(policy) : '')),
  )
  expect(cases.length).toBeGreaterThan(100)
  await agree(page, cases)
})

test('every row of the table of YAML', async ({ page }) => {
  const rows: { yaml: string }[] = JSON.parse(readFileSync(join(ROOT, 'cli/tests/yaml/kubectl.json'), 'utf8'))
  const cases = rows.flatMap(({ yaml }, row) => {
    // A value in a field whose type the policy reports.
    const value = /^a: ([^\n]*)\n?$/.exec(yaml)?.[1]
    const pod = `apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  containers: []\n  hostPID: ${value}\n`
    return [
      write(`yaml/${row}/document.yaml`, yaml, ''),
      ...(value === undefined ? [] : [write(`yaml/${row}/pod.yaml`, pod, '')]),
      // The program starts once for each text of settings.
      ...(row % 16 ? [] : [write(`yaml/${row}/settings.yaml`, POD, yaml), write(`yaml/${row}/mode.yaml`, POD, `hostNamespaces: ${value}\n`)]),
    ]
  })
  expect(cases.length).toBeGreaterThan(800)
  await agree(page, cases)
})

test('hostile and unusual texts', async ({ page }) => {
  const list = '{kind: List, apiVersion: v1, items: [{kind: Pod, apiVersion: v1, metadata: {name: a}}, null, {kind: List, apiVersion: v1, items: [5]}]}'
  const texts = ['', '---\n', 'kind: [', '{}', '[]', '"', '\t', '\u0000', '\ufeffkind: Pod', 'a: 1\n---\nb: [\n---\nkind: Pod\napiVersion: v1\n', list]
  const deep = '['.repeat(20_000)
  const cases = [...texts, deep].flatMap((text, number) => [
    write(`texts/${number}/a.yaml`, text, ''),
    write(`texts/${number}/a.json`, text, ''),
    write(`texts/${number}/empty.yaml`, '', text),
  ])
  await agree(page, cases)
})

test('updates from two editors', async ({ page }) => {
  const updates = requests().filter(isPlainUpdate)
  expect(updates.length).toBeGreaterThan(100)
  const cases = updates.map(({ name, request, settings }): Case => {
    const review = write(`${name}/update.yaml`, JSON.stringify(request), settings)
    const text = (object: unknown) => ({ name: review.manifest, text: JSON.stringify(object) })
    return { ...review, input: { manifest: text(request.object), old: text(request.oldObject), settings: review.input.settings } }
  })
  await agree(page, cases, withoutPositions)
})

interface Request {
  name: string
  request: Record<string, any>
  settings: string
}

/** Number of cases from which on settings are compared. The program starts once for each text of settings. */
const MIN_CASES = 4

/** Returns the requests of `tests/cases`, unless their settings are rare. */
function requests(): Request[] {
  const files = readdirSync(CASES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('/request.json'))
  const requests = files.sort().map((file) => {
    const name = dirname(file)
    const read = (file: string) => readFileSync(join(CASES, name, file), 'utf8')
    return { name, request: JSON.parse(read('request.json')), settings: read('settings.json') }
  })
  const number = new Map<string, number>()
  for (const { settings } of requests) number.set(settings, (number.get(settings) ?? 0) + 1)
  return requests.filter(({ settings }) => number.get(settings)! >= MIN_CASES)
}

/** Whether an administrator updates an object, as the page assumes. */
function isPlainUpdate({ request }: Request): boolean {
  const { operation, object, oldObject, userInfo, subResource, dryRun, options } = request
  const identity = (object: any) => JSON.stringify([object?.apiVersion, object?.kind, object?.metadata?.name, object?.metadata?.namespace])
  const isComplete = [object, oldObject].every((object) => object?.kind && object.metadata?.name && object.metadata.namespace)
  const isAdministrator = userInfo?.username === 'kubernetes-admin' && options?.kind === 'UpdateOptions'
  return operation === 'UPDATE' && isComplete && identity(object) === identity(oldObject) && isAdministrator && !subResource && !dryRun
}

/** Writes the files of a case. */
function write(name: string, manifest: string, settings: string): Case {
  const file = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
    return { name, text }
  }
  const input = { manifest: file(name, manifest), settings: file(`${name}-settings.yaml`, settings) }
  return { manifest: input.manifest.name, settings: input.settings.name, input }
}

/** What both say about a text. */
interface Findings {
  objects: unknown[]
  unreadable: unknown[]
  errors: string[]
}

async function agree(page: Page, cases: Case[], only: (findings: Findings) => Findings = (findings) => findings) {
  const [expected, actual] = await Promise.all([commandLine(cases), playground(page, cases)])
  for (const { manifest } of cases) {
    expect(only(actual.get(manifest)!), manifest).toEqual(only(expected.get(manifest)!))
  }
}

function withoutPositions({ objects, ...rest }: Findings): Findings {
  return { objects: JSON.parse(JSON.stringify(objects, (key, value) => (key === 'line' || key === 'column' ? undefined : value))), ...rest }
}

/** Runs the production worker in the page. */
async function playground(page: Page, cases: Case[]): Promise<Map<string, Findings>> {
  const worker = page.waitForEvent('worker')
  await page.goto('playground')
  const url = (await worker).url()
  const responses: Response[] = await page.evaluate(
    async ([url, inputs]) => {
      const worker = new Worker(url, { type: 'module' })
      const responses: Response[] = []
      for (const [id, input] of inputs.entries()) {
        worker.postMessage({ id, input })
        responses.push(await new Promise((resolve) => worker.addEventListener('message', ({ data }) => resolve(data), { once: true })))
      }
      worker.terminate()
      return responses
    },
    [url, cases.map(({ input }) => input)] as const,
  )
  return new Map(
    cases.map(({ manifest }, index) => {
      const response = responses[index]
      if ('failure' in response) throw new Error(`${manifest}: ${response.failure}`)
      const { report, settings } = response.output as Output
      return [manifest, { objects: report?.objects ?? [], unreadable: report?.unreadable ?? [], errors: settings.map(({ sentence }) => sentence) }]
    }),
  )
}

/** Runs the program, once for all files with the same settings. */
async function commandLine(cases: Case[]): Promise<Map<string, Findings>> {
  const groups = new Map<string, Case[]>()
  for (const one of cases) groups.set(one.input.settings.text, [...(groups.get(one.input.settings.text) ?? []), one])
  const queue = [...groups.values()]
  const results = new Map<string, Findings>()
  const work = async () => {
    for (let group = queue.pop(); group; group = queue.pop()) await checkGroup(group, results)
  }
  await Promise.all([work(), work()])
  return results
}

async function checkGroup(group: Case[], results: Map<string, Findings>) {
  const [{ settings }] = group
  const { stdout, stderr } = await run(['check', '--output', 'json', '--policy', settings, ...group.map(({ manifest }) => manifest)])
  // With invalid settings, the program prints only errors, which are those of the settings.
  const report = stdout ? JSON.parse(stdout) : undefined
  for (const { manifest, settings: own } of group) {
    const of = (list: { file: string }[] = []) => list.filter(({ file }) => file === manifest)
    const errors = report ? [] : stderr.trimEnd().split('\n').map((line) => line.replace(/^error: /, '').replace(settings, own))
    results.set(manifest, { objects: of(report?.objects), unreadable: of(report?.unreadable), errors })
  }
}

function run(args: string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile(PROGRAM, args, { cwd: folder, maxBuffer: 256 << 20 }, (error, stdout, stderr) => {
      if (error && ![1, 2].includes(Number(error.code))) reject(error)
      else resolve({ stdout, stderr })
    })
  })
}
