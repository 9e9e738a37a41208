import { describe, expect, it } from 'vitest'
import { fromLocalInput, isPeriod, localInput, periodTime } from './period'

describe('periods', () => {
  it('end now', () => {
    expect(periodTime('24h', Date.UTC(2026, 10, 23, 12))).toBe('2026-11-22T12:00:00.000Z')
    expect(isPeriod('7d')).toBe(true)
  })

  it('may be written out', () => {
    expect(periodTime('2026-11-23T01:00:00+01:00')).toBe('2026-11-23T00:00:00.000Z')
    expect(isPeriod('2026-11-23T01:00:00Z')).toBe(false)
  })

  it('are nothing where they are no time', () => {
    expect(periodTime('yesterday')).toBeUndefined()
    expect(periodTime(undefined)).toBeUndefined()
  })

  it('go through an input and back', () => {
    expect(fromLocalInput(localInput('2026-11-23T01:30:00.000Z'))).toBe('2026-11-23T01:30:00.000Z')
    expect(localInput('nonsense')).toBe('')
    expect(fromLocalInput('')).toBeUndefined()
  })
})
