import { expect, it } from 'vitest'
import { nextName } from './names'

it('counts on from the name of the key before', () => {
  expect(nextName('Acme', [])).toBe('Acme (2)')
  expect(nextName('Acme (2)', ['Acme', 'Acme (2)'])).toBe('Acme (3)')
  expect(nextName('Acme 2026', ['Acme 2026 (2)'])).toBe('Acme 2026 (3)')
})
