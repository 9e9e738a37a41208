import type { Config, Step } from '../draft'

/** A whole value that is an earlier step's output. */
const whole = /^context:(\d+)\.(.+)$/
/** Two braces that are meant as such, or an output within a text. */
const within = /\{\{\{\{|\{\{context:(\d+)\.([^}]+)\}\}/g

/** An output of an earlier step that a value takes. */
export type Reference = { step: number; output: string }

/** The outputs that a value takes, wherever they stand in it. */
export function references(value: unknown): Reference[] {
  if (typeof value === 'string') {
    const [, step, output] = whole.exec(value) ?? []
    if (step && output) return [{ step: Number(step), output }]
    return [...value.matchAll(within)].flatMap(([, step, output]) =>
      step && output ? [{ step: Number(step), output }] : [],
    )
  }
  if (Array.isArray(value)) return value.flatMap(references)
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(references)
  return []
}

/** The value of a setting that is an output of an earlier step as a whole. */
export function wholeReference(value: unknown): Reference | undefined {
  const [, step, output] = (typeof value === 'string' && whole.exec(value)) || []
  return step && output ? { step: Number(step), output } : undefined
}

/** Where the step of a number is now; nothing for one that is gone. */
type Renumber = (step: number) => number | undefined

/** A value that takes the same outputs after the steps have got other numbers. */
function renumbered(value: unknown, now: Renumber): unknown {
  if (typeof value === 'string') {
    const reference = wholeReference(value)
    if (reference) return `context:${now(reference.step) ?? '?'}.${reference.output}`
    return value.replaceAll(within, (text, step?: string, output?: string) =>
      step ? `{{context:${now(Number(step)) ?? '?'}.${output}}}` : text,
    )
  }
  if (Array.isArray(value)) return value.map((part) => renumbered(part, now))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, renumbered(part, now)]))
  }
  return value
}

function renumberedSteps(steps: Step[], now: Renumber): Step[] {
  return steps.map((step) => ({ ...step, config: renumbered(step.config, now) as Config }))
}

/** The steps with one moved; what they take from each other stays what it was. */
export function moveStep(steps: Step[], from: number, to: number): Step[] {
  const step = steps[from]
  if (!step) return steps
  const order = steps.map((_, index) => index)
  const moved = order.toSpliced(from, 1).toSpliced(to, 0, from)
  return renumberedSteps(steps.toSpliced(from, 1).toSpliced(to, 0, step), (number) => {
    const place = moved.indexOf(number - 1)
    return place < 0 ? number : place + 1
  })
}

/** The steps without one. What others took from it can be seen to be gone, and is taken from no other step by mistake. */
export function removeStep(steps: Step[], at: number): Step[] {
  return renumberedSteps(steps.toSpliced(at, 1), (number) =>
    number === at + 1 ? undefined : number > at + 1 ? number - 1 : number,
  )
}

/** The steps with one more. */
export function insertStep(steps: Step[], at: number, step: Step): Step[] {
  const moved = renumberedSteps(steps, (number) => (number > at ? number + 1 : number))
  return moved.toSpliced(at, 0, step)
}
