import { describe, expect, it } from 'vitest'
import { crumbs, lastName, parent } from './paths'

describe('paths of a server', () => {
  it('begin at the top, or where the login ends up', () => {
    expect(crumbs('/a/b', 'Login folder')).toEqual([
      { label: '/', path: '/' },
      { label: 'a', path: '/a' },
      { label: 'b', path: '/a/b' },
    ])
    expect(crumbs('a/b', 'Login folder')).toEqual([
      { label: 'Login folder', path: '' },
      { label: 'a', path: 'a' },
      { label: 'b', path: 'a/b' },
    ])
    expect(crumbs('/', 'x')).toEqual([{ label: '/', path: '/' }])
    expect(crumbs('/a/', 'x').at(-1)).toEqual({ label: 'a', path: '/a' })
  })

  it('have a folder above them until there is none', () => {
    expect(parent('/a/b')).toBe('/a')
    expect(parent('/a')).toBe('/')
    expect(parent('/')).toBeUndefined()
    expect(parent('a')).toBe('')
    expect(parent('')).toBeUndefined()
  })

  it('end with a name', () => {
    expect(lastName('/a/b.csv')).toBe('b.csv')
  })
})
