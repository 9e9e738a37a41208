import { describe, expect, test } from 'vitest'
import { cronWords, parseCron, writeCron } from './cron'

describe('cron expressions', () => {
  test.each([
    ['*/15 * * * *', 'Every 15 minutes'],
    ['* * * * *', 'Every minute'],
    ['30 * * * *', 'Every hour, at 30 past'],
    ['0 */6 * * *', 'Every 6 hours, on the hour'],
    ['0 2 * * *', 'Every day at 02:00'],
    ['30 5 * * MON-FRI', 'Monday to Friday at 05:30'],
    ['0 8 * * MON,SUN', 'Every Monday and Sunday at 08:00'],
    ['5 23 1 * *', 'On day 1 of each month at 23:05'],
    ['0 0 L * *', 'On the last day of each month at 00:00'],
  ])('%s is a usual one, and is written as it was', (text, words) => {
    expect(cronWords(text)).toBe(words)
    expect(writeCron(parseCron(text))).toBe(text)
  })

  test.each(['0 0 2 * * *', '0 2 * * FRI#2', '0 2 15W * *', '*/7 * * * *', '0 2 1 1 *', '0 2 1 * MON', '', 'nonsense'])(
    '%s stays as it is',
    (text) => {
      expect(parseCron(text)).toEqual({ kind: 'cron', text })
      expect(writeCron(parseCron(text))).toBe(text)
    },
  )

  test('days are known by name, by number and as a range over the end of the week', () => {
    expect(parseCron('0 2 * * 1-5')).toEqual({ kind: 'weekly', days: [1, 2, 3, 4, 5], time: '02:00' })
    expect(parseCron('0 2 * * 7')).toEqual({ kind: 'weekly', days: [0], time: '02:00' })
    expect(parseCron('0 2 * * fri-mon')).toEqual({ kind: 'weekly', days: [1, 5, 6, 0], time: '02:00' })
  })

  test('names of expressions are known', () => {
    expect(cronWords('@daily')).toBe('Every day at 00:00')
    expect(cronWords('@monthly')).toBe('On day 1 of each month at 00:00')
  })
})
