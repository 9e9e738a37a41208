import { expect, test } from 'vitest'
import { inside } from './inside'

const here = 'https://courier.example'

test('a login leads back to a page of the console', () => {
  expect(inside('/executions?state=failed', here)).toBe('/executions?state=failed')
  expect(inside(null, here)).toBe('/')
})

test.each([
  'https://evil.example/',
  '//evil.example',
  '/\\evil.example',
  '/\t/evil.example',
  '/.//evil.example',
  'javascript:alert(1)',
  'http://[',
])('%j is no page of the console', (next) => {
  expect(inside(next, here)).toBe('/')
})
