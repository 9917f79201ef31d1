// Completion, descriptions and checks of settings from their JSON Schema. Loaded after the first verdict.

import { yamlLanguage } from '@codemirror/lang-yaml'
import type { Extension } from '@codemirror/state'
import { type EditorView, hoverTooltip } from '@codemirror/view'
import { stateExtensions } from 'codemirror-json-schema'
import { yamlCompletion, yamlSchemaHover, yamlSchemaLinter } from 'codemirror-json-schema/yaml'
import schema from '../../settings.schema.json'

export const settingsSchema: Extension = [
  yamlLanguage.data.of({ autocomplete: yamlCompletion() }),
  hoverTooltip(yamlSchemaHover()),
  stateExtensions(schema as never),
]
export const lint = (view: EditorView) => yamlSchemaLinter()(view)
