import { describe, expect, it } from 'vitest'
import type { schemas } from '../api/types'
import { draftOf, inputOf, newSecret } from './draft'

const alert: schemas['Alert'] = {
  id: '1',
  name: 'ops',
  enabled: true,
  on: ['execution_late', 'file_missing'],
  channel: { type: 'webhook', url: 'https://example.com', has_secret: true },
  jobs: ['j'],
  connections: [],
  mappings: [],
  late_after_sec: 60,
  expect: { pattern: '*.csv', by: '06:30', timezone: 'UTC', weekdays: ['mon'] },
  quiet_hours: { from: '22:00', to: '06:00', timezone: 'UTC' },
  repeat_after_sec: 0,
  warnings: [],
  created_at: '2026-11-22T00:00:00Z',
  updated_at: '2026-11-22T00:00:00Z',
}

describe('the form of an alert', () => {
  it('gives back what it was made of, and leaves the secret alone', () => {
    const input = inputOf(draftOf(alert))
    expect(input).toMatchObject({ late_after_sec: 60, repeat_after_sec: 0, jobs: ['j'] })
    expect(input.channel).toEqual({ type: 'webhook', url: 'https://example.com' })
    expect(input.expect).toMatchObject({ pattern: '*.csv', weekdays: ['mon'], connection_id: null })
    expect(input.quiet_hours).toMatchObject({ from: '22:00', to: '06:00' })
  })

  it('says only what the kinds need', () => {
    const input = inputOf({ ...draftOf(alert), on: ['execution_failed'], quiet: false, secret: '' })
    expect(input).toMatchObject({ late_after_sec: null, expect: null, quiet_hours: null })
    expect(input.channel).toMatchObject({ secret: null })
    expect(inputOf({ ...draftOf(alert), type: 'email', to: ['a@b'] }).channel).toEqual({ type: 'email', to: ['a@b'] })
  })

  it('has secrets of 24 bytes', () => {
    expect(newSecret()).toMatch(/^whsec_[A-Za-z0-9+/]{32}$/)
    expect(newSecret()).not.toBe(newSecret())
  })
})
