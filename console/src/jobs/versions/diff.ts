import { diffLines, diffWordsWithSpace } from 'diff'

/** A part of a line; `changed`: it is what differs. */
export type Part = { text: string; changed: boolean }
/** One side of a line: its number from 1. */
export type Side = { number: number; parts: Part[] }
/** A line of a comparison. What stands on both sides is the same, unless `kind` is `changed`. */
export type Row = { kind: 'same' | 'changed' | 'removed' | 'added'; left?: Side; right?: Side }
/** Lines in a row that are the same and too many to be shown. */
export type Gap = { kind: 'gap'; rows: Row[] }

/** Same lines that are shown around a change. */
const AROUND = 3

/** Two texts line by line, with what differs within a line. */
export function compared(before: string, after: string): Row[] {
  const rows: Row[] = []
  let [left, right] = [1, 1]
  const changes = diffLines(before, after)
  for (let index = 0; index < changes.length; index += 1) {
    const change = changes[index]
    if (!change) continue
    const next = changes[index + 1]
    if (change.removed && next?.added) {
      index += 1
      const [old, fresh] = [linesOf(change.value), linesOf(next.value)]
      for (let line = 0; line < Math.max(old.length, fresh.length); line += 1) {
        const [a, b] = [old[line], fresh[line]]
        const both = a !== undefined && b !== undefined ? within(a, b) : undefined
        rows.push({
          kind: both ? 'changed' : a !== undefined ? 'removed' : 'added',
          ...(a !== undefined && { left: { number: left++, parts: both?.left ?? all(a) } }),
          ...(b !== undefined && { right: { number: right++, parts: both?.right ?? all(b) } }),
        })
      }
    } else {
      for (const text of linesOf(change.value)) {
        if (change.removed) rows.push({ kind: 'removed', left: { number: left++, parts: all(text) } })
        else if (change.added) rows.push({ kind: 'added', right: { number: right++, parts: all(text) } })
        else
          rows.push({
            kind: 'same',
            left: { number: left++, parts: plain(text) },
            right: { number: right++, parts: plain(text) },
          })
      }
    }
  }
  return rows
}

/** The rows with long stretches that are the same put aside. */
export function folded(rows: Row[]): (Row | Gap)[] {
  const near = rows.map((_, index) =>
    rows.slice(Math.max(0, index - AROUND), index + AROUND + 1).some(({ kind }) => kind !== 'same'),
  )
  const result: (Row | Gap)[] = []
  for (const [index, row] of rows.entries()) {
    const last = result.at(-1)
    if (near[index]) result.push(row)
    else if (last?.kind === 'gap') last.rows.push(row)
    else result.push({ kind: 'gap', rows: [row] })
  }
  // One line is shorter than to say that it is left out.
  return result.flatMap((item) => (item.kind === 'gap' && item.rows.length === 1 ? item.rows : [item]))
}

const linesOf = (text: string) => (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
const plain = (text: string): Part[] => [{ text, changed: false }]
const all = (text: string): Part[] => [{ text, changed: true }]

function within(before: string, after: string): { left: Part[]; right: Part[] } {
  const [left, right]: [Part[], Part[]] = [[], []]
  for (const { value, added, removed } of diffWordsWithSpace(before, after)) {
    if (!added) left.push({ text: value, changed: Boolean(removed) })
    if (!removed) right.push({ text: value, changed: Boolean(added) })
  }
  return { left, right }
}
