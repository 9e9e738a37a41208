import { describe, expect, test } from 'vitest'
import { compared, folded } from './diff'

const text = (lines: string[]) => lines.map((line) => `${line}\n`).join('')

describe('a comparison', () => {
  test('shows what differs within a line, on both sides', () => {
    const rows = compared(
      text(['name: a', 'path: /in/old.csv', 'end: x']),
      text(['name: a', 'path: /in/new.csv', 'end: x']),
    )
    expect(rows.map(({ kind }) => kind)).toEqual(['same', 'changed', 'same'])
    const [, changed] = rows
    expect(changed?.left?.parts.filter((part) => part.changed)).toEqual([{ text: 'old', changed: true }])
    expect(changed?.right?.parts.filter((part) => part.changed)).toEqual([{ text: 'new', changed: true }])
    expect(changed?.right?.number).toBe(2)
  })

  test('counts the lines of each side by itself', () => {
    const rows = compared(text(['a', 'b', 'c']), text(['a', 'c', 'd']))
    expect(rows.map(({ kind, left, right }) => [kind, left?.number, right?.number])).toEqual([
      ['same', 1, 1],
      ['removed', 2, undefined],
      ['same', 3, 2],
      ['added', undefined, 3],
    ])
  })

  test('of what is the same has no changes', () => {
    expect(compared('a\nb\n', 'a\nb\n').every(({ kind }) => kind === 'same')).toBe(true)
    expect(folded(compared('a\nb\n', 'a\nb\n'))).toMatchObject([{ kind: 'gap' }])
  })

  test('puts long stretches that are the same aside', () => {
    const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`)
    const rows = folded(compared(text(lines), text(lines.with(15, 'another'))))
    expect(rows[0]).toMatchObject({ kind: 'gap' })
    expect(rows.filter(({ kind }) => kind !== 'gap')).toHaveLength(7)
    expect(rows.at(-1)).toMatchObject({ kind: 'gap' })
  })
})
