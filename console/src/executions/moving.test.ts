import { describe, expect, it } from 'vitest'
import { moved } from './moving'

const file = (current_file: string, bytes_transferred: number, step = 1) => ({
  step,
  current_file,
  bytes_transferred,
  total_bytes: 100,
  transfer_rate_bytes_per_sec: 1,
})

describe('files that move', () => {
  it('keep their place while they do, and go when they are there', () => {
    let files = moved([], file('a', 1), 0)
    files = moved(files, file('b', 1), 1)
    files = moved(files, file('a', 50), 2)
    expect(files.map((f) => [f.current_file, f.bytes_transferred])).toEqual([
      ['a', 50],
      ['b', 1],
    ])
    expect(moved(files, file('a', 100), 3).map((f) => f.current_file)).toEqual(['b'])
  })

  it('are others in other steps, and go when nothing is told of them', () => {
    const files = moved(moved([], file('a', 1), 0), file('a', 2, 2), 1)
    expect(files).toHaveLength(2)
    expect(moved(files, file('b', 1), 60_000).map((f) => f.current_file)).toEqual(['b'])
  })
})
