import { expect, it } from 'vitest'
import { grouped } from './groups'

it('groups by name, and what is in none comes last', () => {
  const all = [
    { group: 'West', id: 1 },
    { group: null, id: 2 },
    { group: 'East', id: 3 },
    { group: 'West', id: 4 },
  ]
  expect(grouped(all).map(({ name, members }) => [name, members.map(({ id }) => id)])).toEqual([
    ['East', [3]],
    ['West', [1, 4]],
    [null, [2]],
  ])
})
