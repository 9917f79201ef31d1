import type { Texts } from './share'

/** Texts to start from. */
export interface Example extends Texts {
  name: string
  group: string
}

const files = import.meta.glob<string>('../../examples/**/*.yaml', { query: '?raw', import: 'default', eager: true })

/** Returns a file of `examples/`. */
function file(path: string): string {
  const text = files[`../../examples/${path}`]
  if (text === undefined) throw new Error(`no example ${path}`)
  return text
}

const DEFAULTS = '# No settings: the defaults.\n'

const EVERY_FIX = `\
# Fixes what can be fixed without knowing the application. Everything else is a warning.
enforcement: warn
readOnlyRootFilesystem: fix
allowPrivilegeEscalation: fix
runAsNonRoot: fix
seccompProfile: fix
capabilities: {mode: fix, requiredDrop: [ALL]}
`

const EXEMPTION = `\
privileged: deny
readOnlyRootFilesystem: warn
exemptions:
- reason: the metrics agent reads the whole node
  namespaces: [monitoring]
  images: ["prom/*"]
  rules: [privileged, hostNamespaces, runAsNonRoot, allowPrivilegeEscalation]
`

const AGENT = `\
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: node-exporter
  namespace: monitoring
spec:
  selector:
    matchLabels: {app: node-exporter}
  template:
    metadata:
      labels: {app: node-exporter}
    spec:
      hostNetwork: true
      containers:
      - name: node-exporter
        image: prom/node-exporter:v1.8.2
        securityContext:
          privileged: true
          readOnlyRootFilesystem: true
`

const WRONG_SETTINGS = `\
privileged: loud
readOnlyRootFileSystem: deny
capabilities:
  requiredDrop: ALL
`

const RUNNING = `\
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: shop
spec:
  hostNetwork: true
  containers:
  - name: web
    image: registry.example.com/shop/web:1.4@sha256:6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b
    securityContext:
      readOnlyRootFilesystem: true
      allowPrivilegeEscalation: false
      runAsNonRoot: true
`

const LIST = `\
# kubectl get pods --namespace shop --output yaml
apiVersion: v1
items:
- apiVersion: v1
  kind: Pod
  metadata:
    name: web-5d6b7c
    namespace: shop
  spec:
    containers:
    - name: web
      image: registry.example.com/shop/web:1.4
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        runAsNonRoot: true
- apiVersion: v1
  kind: Pod
  metadata:
    name: debug
    namespace: shop
  spec:
    containers:
    - name: debug
      image: busybox
      stdin: true
      tty: true
kind: List
metadata:
  resourceVersion: ""
`

const step = (number: number, name: string, path: string): Example => ({
  group: 'nginx, step by step',
  name: `${number}. ${name}`,
  manifest: file(`nginx/${path}`),
  settings: DEFAULTS,
})

/** The examples, by group. The first one is there when the page opens. */
export const EXAMPLES: Example[] = [
  step(1, 'plain', '1-plain.yaml'),
  step(2, 'read-only root', '2-read-only-root.yaml'),
  step(3, 'writable where needed', '3-writable-where-needed.yaml'),
  step(4, 'another user', '4-non-root.yaml'),
  step(5, 'without privileges', '5-without-privileges.yaml'),
  step(6, 'pinned', '6-pinned.yaml'),
  { group: 'Objects', name: 'Everything wrong', manifest: file('everything-wrong.yaml'), settings: DEFAULTS },
  { group: 'Objects', name: 'A list from kubectl get', manifest: LIST, settings: DEFAULTS },
  {
    group: 'Objects',
    name: 'An update of a pod',
    old: RUNNING,
    manifest: RUNNING.replace(/web:1\.4@.*/, 'web:latest'),
    settings: DEFAULTS,
  },
  { group: 'Fixes', name: 'What can be fixed', manifest: file('nginx/1-plain.yaml'), settings: EVERY_FIX },
  { group: 'Fixes', name: 'A mutating policy', manifest: file('fix/nginx.yaml'), settings: file('policies/fix-mutating.yaml') },
  { group: 'Settings', name: 'The restricted standard', manifest: file('nginx/6-pinned.yaml'), settings: 'preset: immutable+restricted\n' },
  { group: 'Settings', name: 'An exemption', manifest: AGENT, settings: EXEMPTION },
  { group: 'Settings', name: 'Warn first', manifest: file('everything-wrong.yaml'), settings: file('rollout/2-warn.yaml') },
  { group: 'Settings', name: 'A policy group', manifest: file('nginx/1-plain.yaml'), settings: file('policies/group.yaml') },
  { group: 'Settings', name: 'Errors in settings', manifest: file('nginx/1-plain.yaml'), settings: WRONG_SETTINGS },
]
