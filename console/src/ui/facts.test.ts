import { describe, expect, it } from 'vitest'
import { gist, lines } from './facts'

describe('facts', () => {
  it('have a gist that leaves ids out and puts the reason first', () => {
    expect(gist({ host: 'h', ssh_key_id: 'x', error: 'refused', n: 1 })).toBe('refused · h · 1')
    expect(gist({ a: null, b: { c: 1 } })).toBe('')
  })

  it('are told one a line', () => {
    expect(lines({ a: null, name: 'x', after: { on: true, list: [1, 2], none: [] }, many: [{ b: 1 }] })).toEqual([
      { path: '/name', name: 'name', depth: 0, text: 'x' },
      { path: '/after', name: 'after', depth: 0 },
      { path: '/after/on', name: 'on', depth: 1, text: 'yes' },
      { path: '/after/list', name: 'list', depth: 1, text: '1, 2' },
      { path: '/many', name: 'many', depth: 0 },
      { path: '/many/0', name: '1', depth: 1 },
      { path: '/many/0/b', name: 'b', depth: 2, text: '1' },
    ])
  })
})
