/** The texts of the editors. Without `old`, objects are created. */
export interface Texts {
  manifest: string
  old?: string
  settings: string
}

/** What a fragment with texts begins with. Other fragments are headings. */
const PREFIX = '#texts='

/** Maximum size of the texts in a link, in bytes. A short link can contain a huge text. */
const MAX_BYTES = 4_000_000

/** Returns a fragment that contains the texts. Browsers do not send fragments to servers. */
export async function toFragment(texts: Texts): Promise<string> {
  const stream = new Blob([JSON.stringify(texts)]).stream().pipeThrough(new CompressionStream('deflate-raw'))
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer())
  const characters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return PREFIX + btoa(characters).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/**
 * Returns the texts in a fragment, or nothing if it contains none.
 *
 * @throws if the fragment is damaged
 */
export async function fromFragment(fragment: string): Promise<Texts | undefined> {
  if (!fragment.startsWith(PREFIX)) return undefined
  const base64 = fragment.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/')
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const texts: unknown = JSON.parse(await inflate(bytes))
  if (!isTexts(texts)) throw new Error('unexpected content')
  return texts
}

async function inflate(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw')).getReader()
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    length += value.length
    if (length > MAX_BYTES) {
      await reader.cancel()
      throw new Error('too large')
    }
    text += decoder.decode(value, { stream: true })
  }
}

function isTexts(value: unknown): value is Texts {
  const isText = (text: unknown) => typeof text === 'string'
  const { manifest, old, settings } = (value ?? {}) as Record<string, unknown>
  return isText(manifest) && isText(settings) && (old === undefined || isText(old))
}
