import { LineCounter, parseDocument, stringify } from 'yaml'
import { type Draft, draftFrom, draftOf, inputOf } from '../draft'

export type Language = 'json' | 'yaml'

/** Something that is wrong, and the line where it is, from 1. */
export type Wrong = { line: number; field?: string; message: string }

/** A job as text. */
export function written(draft: Draft, language: Language): string {
  // In the usual order, whatever was set first.
  const ordered = { ...draftOf(inputOf(draft)), ...draft }
  return language === 'json' ? `${JSON.stringify(ordered, null, 2)}\n` : stringify(ordered, { lineWidth: 0 })
}

/** The job that a text says, or where it says none. */
export function parsed(text: string, language: Language): { draft: Draft } | { wrong: Wrong } {
  const value = language === 'json' ? fromJson(text) : fromYaml(text)
  if ('wrong' in value) return value
  const read = draftFrom(value.value)
  if ('draft' in read) return read
  return { wrong: { line: lineOf(text, read.field), message: read.message } }
}

type Value = { value: unknown } | { wrong: Wrong }

function fromJson(text: string): Value {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { wrong: { line: lineIn(message, text), message } }
  }
}

/** Browsers say where JSON is wrong, some by line, some by position, and some only for some mistakes. */
function lineIn(message: string, text: string): number {
  const [, line] = /line (\d+) column \d+/.exec(message) ?? []
  if (line) return Number(line)
  const [, position] = /position (\d+)/.exec(message) ?? []
  if (position) return text.slice(0, Number(position)).split('\n').length
  const lines = new LineCounter()
  const [error] = parseDocument(text, { lineCounter: lines, prettyErrors: false }).errors
  return error ? lines.linePos(error.pos[0]).line : text.trimEnd().split('\n').length
}

function fromYaml(text: string): Value {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error) return { wrong: { line: lines.linePos(error.pos[0]).line, message: error.message } }
  try {
    return { value: document.toJS() as unknown }
  } catch (problem) {
    // An alias of something that isn't there.
    return { wrong: { line: 1, message: problem instanceof Error ? problem.message : String(problem) } }
  }
}

/** The line of a field (`steps[1].config.remote_path`); of what is around it where it isn't there. JSON is YAML, too. */
export function lineOf(text: string, field: string): number {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const path = pathOf(field)
  while (path.length > 0) {
    const node = document.getIn(path, true)
    if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
      return lines.linePos(Number(node.range[0])).line
    }
    path.pop()
  }
  return 1
}

/** `steps[1].config` → `steps`, 1, `config`. */
function pathOf(field: string): (string | number)[] {
  return [...field.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, name, index]) => name ?? Number(index))
}
