import { expect, test } from 'vitest'
import { isUnsafe, riskOf } from './risks'

const none: { key: string; has_value: boolean }[] = []

test('what weakens is asked about, and what strengthens is not', () => {
  const key = 'security.insecure_trust_require_admin'
  expect(riskOf({ key, from: true, to: false, default: true }, none)?.title).toBe('This makes Courier less safe')
  expect(riskOf({ key, from: false, to: true, default: true }, none)).toBeUndefined()
  expect(isUnsafe(key, false)).toBe(true)
  expect(isUnsafe('security.fips_mode_enabled', false)).toBe(false)
})

test('a setting that is let go of is at its default', () => {
  const key = 'smtp.security'
  expect(riskOf({ key, from: 'none', to: undefined, default: 'starttls' }, none)).toBeUndefined()
  expect(riskOf({ key, from: null, to: 'none', default: 'starttls' }, none)).toBeDefined()
})

test('what is kept shorter is removed for good', () => {
  const key = 'audit.retention_days'
  expect(riskOf({ key, from: 0, to: 90, default: 0 }, none)?.final).toBe(true)
  expect(riskOf({ key, from: 90, to: 30, default: 0 }, none)?.final).toBe(true)
  expect(riskOf({ key, from: 30, to: 90, default: 0 }, none)).toBeUndefined()
  expect(riskOf({ key, from: 30, to: 0, default: 0 }, none)).toBeUndefined()
})

test('another mail server takes the password away, where there is one', () => {
  const change = { key: 'smtp.host', from: 'a.example', to: 'b.example', default: null }
  expect(riskOf(change, none)).toBeUndefined()
  expect(riskOf(change, [{ key: 'smtp.password', has_value: true }])).toBeDefined()
})

test('a switch of security that the console doesn’t know is asked about where it leaves its default', () => {
  const key = 'security.something_new'
  expect(riskOf({ key, from: true, to: false, default: true }, none)).toBeDefined()
  expect(riskOf({ key, from: false, to: true, default: true }, none)).toBeUndefined()
})
