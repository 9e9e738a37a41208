import { expect, test } from 'vitest'
import { powerful, scopeWords, toScopes } from './scopes'

test('parts become scopes', () => {
  expect(toScopes({ jobs: 'all', executions: 'read', users: 'none' })).toEqual(['jobs', 'executions:read'])
})

test('scopes are said in words', () => {
  expect(scopeWords('ssh-keys:read')).toBe('SSH keys (read)')
  expect(scopeWords('storages')).toBe('Destinations')
  expect(scopeWords('unheard-of')).toBe('unheard-of')
})

test('reading users or settings gives no power', () => {
  expect(powerful(['users:read', 'jobs'])).toBe(false)
  expect(powerful(['settings'])).toBe(true)
})
