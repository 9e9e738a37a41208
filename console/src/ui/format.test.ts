import { expect, test } from 'vitest'
import { bytes, words } from './format'

test('names become words', () => {
  expect(words('trust_on_first_use')).toBe('Trust on first use')
  expect(words('ssh_key')).toBe('SSH key')
  expect(words('min_tls_version')).toBe('Min TLS version')
})

test('sizes have three digits that count', () => {
  expect([0, 950, 999.6, 1234, 99_400, 12_345_678].map(bytes)).toEqual([
    '0 B',
    '950 B',
    '1.00 kB',
    '1.23 kB',
    '99.4 kB',
    '12.3 MB',
  ])
})
