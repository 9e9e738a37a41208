import { describe, expect, it } from 'vitest'
import { everyWords, inputOf, inUnits, isRecursive, valuesOf } from './values'

describe('a form about a folder mapping', () => {
  it('counts intervals in the biggest unit that fits', () => {
    expect(inUnits(300)).toEqual({ every: 5, unit: 'min' })
    expect(inUnits(90)).toEqual({ every: 90, unit: 's' })
    expect(inUnits(86_400)).toEqual({ every: 1, unit: 'd' })
    expect(everyWords(3600)).toBe('every hour')
    expect(everyWords(7200)).toBe('every 2 hours')
  })

  it('says either an interval or a cron expression', () => {
    const values = { ...valuesOf(undefined, 'Europe/Berlin'), remote_path: '/out' }
    expect(inputOf(values, true)).toMatchObject({ interval_sec: 300, cron: null, timezone: null, enabled: true })
    expect(inputOf({ ...values, timing: 'cron' }, false)).toMatchObject({
      interval_sec: null,
      cron: '0 6 * * *',
      timezone: 'Europe/Berlin',
      enabled: false,
    })
  })

  it('forgets the folder to move to where nothing is moved', () => {
    const values = { ...valuesOf(undefined, 'UTC'), move_to: 'done' }
    expect(inputOf(values, true).move_to).toBeNull()
    expect(inputOf({ ...values, after_pull: 'move' }, true).move_to).toBe('done')
  })

  it('takes folders below in where the pattern is about them', () => {
    expect(isRecursive({ recursive: undefined, pattern: '*.csv' })).toBe(false)
    expect(isRecursive({ recursive: undefined, pattern: '**/*.csv' })).toBe(true)
    expect(isRecursive({ recursive: false, pattern: '**/*.csv' })).toBe(false)
  })
})
