import { count } from '../ui/format'

type Facts = Record<string, unknown>

/** A file that a step could not move, and why; or that it moved with a word of warning. */
export type Trouble = { path: string; message: string; failed: boolean }

/** What a step gave to those after it: `1.downloaded_file` of the execution's context is `downloaded_file` of step 1. */
export function outputsOf(context: Facts | undefined, index: number): Facts {
  const prefix = `${index}.`
  return Object.fromEntries(
    Object.entries(context ?? {})
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, value]) => [name.slice(prefix.length), value]),
  )
}

const isFacts = (value: unknown): value is Facts => typeof value === 'object' && value !== null && !Array.isArray(value)
const facts = (value: unknown): Facts[] => (Array.isArray(value) ? value.filter(isFacts) : [])
const text = (value: unknown) => (typeof value === 'string' ? value : undefined)

/** What is to be said about a step's files: of transfers, file by file; of pulls, as they say it. */
export function troublesOf(outputs: Facts): Trouble[] {
  const state = isFacts(outputs.transfer_state) ? outputs.transfer_state : {}
  const moved = 'files' in state ? facts(state.files) : [state]
  const warnings = Array.isArray(outputs.warnings) ? outputs.warnings : []
  return [
    ...moved.flatMap((file) => trouble(file, file.error, true)),
    ...moved.flatMap((file) => trouble(file, file.warning, false)),
    ...warnings.flatMap((warning) => trouble({}, warning, false)),
  ]
}

function trouble(file: Facts, why: unknown, failed: boolean): Trouble[] {
  const message = isFacts(why) ? text(why.message) : text(why)
  if (!message) return []
  return [{ path: text(file.remote_path) ?? text(file.local_path) ?? '', message, failed }]
}

/** What a pull counts, in the order in which it says something. */
const COUNTS: [string, string][] = [
  ['pulled', 'pulled'],
  ['failed', 'failed'],
  ['waiting', 'not ready yet'],
  ['unreadable', 'that can’t be read'],
  ['changed', 'that changed meanwhile'],
  ['vanished', 'gone meanwhile'],
  ['known', 'known already'],
]

/** `2 pulled, 14 known already`: what a pull found, in words. */
export function pullInWords(outputs: Facts): string | undefined {
  if (!('pulled' in outputs && 'known' in outputs)) return undefined
  const found = COUNTS.filter(([name]) => name === 'pulled' || Number(outputs[name]) > 0)
  return found.map(([name, words]) => `${count(Number(outputs[name]))} ${words}`).join(', ')
}
