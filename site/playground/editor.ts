import { yaml } from '@codemirror/lang-yaml'
import { syntaxHighlighting } from '@codemirror/language'
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint'
import { Compartment, type Extension, EditorState, type Text } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'
import { classHighlighter } from '@lezer/highlight'
import { basicSetup } from 'codemirror'

/** Something to show at a place in a text. Lines and columns start at 1; columns count characters. */
export interface Mark {
  severity: Diagnostic['severity']
  message: string
  line?: number
  column?: number
}

export interface EditorOptions {
  parent: HTMLElement
  label: string
  text: string
  extensions: Extension
  onChange: (text: string) => void
  /** Called for Ctrl+Enter, or Cmd+Enter. */
  onLeave: () => void
}

/** Colors are variables of the site, so that they follow its dark mode. */
const theme = EditorView.theme({
  '&': { backgroundColor: 'var(--vp-code-block-bg)', color: 'var(--vp-c-text-1)', height: '100%', fontSize: '13px' },
  '&.cm-focused': { outline: '2px solid var(--vp-c-brand-1)', outlineOffset: '-2px' },
  '.cm-scroller': { fontFamily: 'var(--vp-font-family-mono)', lineHeight: '1.5' },
  '.cm-content': { caretColor: 'var(--vp-c-text-1)' },
  '.cm-cursor': { borderLeftColor: 'var(--vp-c-text-1)' },
  '.cm-gutters': { backgroundColor: 'transparent', color: 'var(--vp-c-text-2)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--vp-c-default-soft)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'var(--vp-c-brand-soft)',
  },
  '.cm-tooltip, .cm-panels': { backgroundColor: 'var(--vp-c-bg-elv)', color: 'var(--vp-c-text-1)', borderColor: 'var(--vp-c-divider)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--vp-button-brand-bg)', color: 'var(--vp-button-brand-text)' },
  '.cm-tooltip .description': { margin: '0', maxWidth: '26rem', padding: '4px 8px', lineHeight: '1.5', fontFamily: 'var(--vp-font-family-base)' },
  '.cm-panels input, .cm-panels button': { color: 'inherit', backgroundColor: 'var(--vp-c-bg)', backgroundImage: 'none' },
})

const attributes = new Compartment()

/** Returns the attributes of the text. With a tab index, axe knows that the keyboard reaches what scrolls. */
function attributesFor(label: string): Extension {
  return EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' })
}

/** Gives an editor another name. */
export function setLabel(view: EditorView, label: string) {
  view.dispatch({ effects: attributes.reconfigure(attributesFor(label)) })
}

/** Creates an editor for YAML. */
export function createEditor({ parent, label, text, extensions, onChange, onLeave }: EditorOptions): EditorView {
  const leave = () => {
    onLeave()
    return true
  }
  return new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        keymap.of([{ key: 'Mod-Enter', run: leave }]),
        basicSetup,
        yaml(),
        syntaxHighlighting(classHighlighter),
        lintGutter(),
        theme,
        attributes.of(attributesFor(label)),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString())
        }),
        extensions,
      ],
    }),
  })
}

/** Shows marks. A mark without a place, or at a place that no longer exists, is not shown. */
export function showMarks(view: EditorView, marks: Mark[]) {
  const { doc } = view.state
  const diagnostics = marks.flatMap(({ line, column = 1, ...mark }): Diagnostic[] => {
    if (!line || line > doc.lines) return []
    return [{ ...mark, from: offset(doc, line, column), to: doc.line(line).to }]
  })
  view.dispatch(setDiagnostics(view.state, diagnostics))
}

/** Moves the cursor to a place, and the focus to the editor. */
export function moveTo(view: EditorView, line: number, column: number) {
  const anchor = offset(view.state.doc, Math.min(line, view.state.doc.lines), column)
  view.dispatch({ selection: { anchor }, effects: EditorView.scrollIntoView(anchor, { y: 'center' }) })
  view.focus()
}

function offset(doc: Text, number: number, column: number): number {
  const line = doc.line(number)
  // Characters outside of the basic plane have two units in a JavaScript string.
  const before = [...line.text].slice(0, column - 1).join('')
  return line.from + before.length
}
