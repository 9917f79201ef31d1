import type { EvaluatedObject, Finding, Output, Unreadable, Verdict } from './check'

/** The words of `check` for each verdict. */
export const VERDICTS: Record<Verdict, string> = {
  admitted: 'admitted',
  fixed: 'admitted, fixed',
  denied: 'denied',
  refused: 'refused',
  nothingToEvaluate: 'nothing to evaluate',
  skipped: 'skipped',
}

export const LEVELS: Record<Finding['level'], string> = { deny: 'denied', warn: 'warning', monitor: 'monitored' }

/** The words of `check` for the outcome of a policy. */
export const OUTCOMES: Record<string, string> = {
  pass: 'passed',
  fixed: 'fixed',
  warn: 'warned',
  fail: 'denied',
  monitored: 'monitored',
  refused: 'refused',
  skipped: 'skipped',
}

/** Returns kind and name: `Pod default/web`. */
export function subject({ kind, namespace, name }: EvaluatedObject): string {
  return `${kind} ${namespace ? `${namespace}/` : ''}${name}`
}

/** Returns the place in the text, if it contains several objects: `document 2, item 1`. */
export function place({ document, items = [] }: EvaluatedObject | Unreadable): string {
  return [...(document ? [`document ${document}`] : []), ...items.map((item) => `item ${item}`)].join(', ')
}

/** Returns everything in one sentence, for people who cannot see the page. */
export function sentence({ settings, report }: Output): string {
  if (!report) return `Not evaluated: ${count(settings.length, 'error')} in the settings`
  const parts = (Object.keys(VERDICTS) as Verdict[]).flatMap((verdict) => {
    const objects = report.objects.filter((object) => object.verdict === verdict).length
    return objects ? [`${count(objects, 'object')} ${VERDICTS[verdict]}`] : []
  })
  if (report.unreadable.length) parts.push(`${count(report.unreadable.length, 'document')} not evaluated`)
  const findings = report.objects.flatMap((object) => object.findings).length
  if (findings) parts.push(count(findings, 'finding'))
  return parts.length ? parts.join(', ') : 'No objects'
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}
