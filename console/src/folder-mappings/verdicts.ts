import { words } from '../ui/format'

type Verdict = { label: string; color: string }

/** What would become of files, those first that somebody waits for. */
const verdicts: Record<string, Verdict> = {
  pull: { label: 'Would be pulled', color: 'green' },
  begun: { label: 'Begun', color: 'blue' },
  too_young: { label: 'Too young', color: 'yellow' },
  unstable: { label: 'Still changing', color: 'yellow' },
  no_marker: { label: 'Waits for its marker', color: 'yellow' },
  not_told: { label: 'Size not told', color: 'orange' },
  known: { label: 'Pulled already', color: 'gray' },
  not_matching: { label: 'Doesn’t match', color: 'gray' },
  ignored: { label: 'Left out', color: 'gray' },
  marker: { label: 'A marker', color: 'gray' },
  link: { label: 'A link', color: 'gray' },
  other: { label: 'No file', color: 'gray' },
}

const order = Object.keys(verdicts)

/** How a verdict is shown; one that is new to the console by its name. */
export const verdict = (name: string): Verdict => verdicts[name] ?? { label: words(name), color: 'gray' }

/** The order in which verdicts are looked at. */
export const byVerdict = (a: string, b: string) => place(a) - place(b)

const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length)
