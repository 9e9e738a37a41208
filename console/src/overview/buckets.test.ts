import { expect, test } from 'vitest'
import { lastDays, lastHours, total } from './buckets'

const HOUR = 3_600_000

/** So many hours until this one, with one file each. */
const hours = (count: number, until: Date) =>
  Array.from({ length: count }, (_, index) => ({
    at: new Date(until.getTime() - (count - 1 - index) * HOUR).toISOString(),
    files: 1,
    bytes: 10,
    uploads: 0,
    downloads: 1,
    pulled: 0,
    completed: 1,
    failed: 0,
  }))

test('a day has the hours that begin in it', () => {
  const days = lastDays(hours(168, new Date(2026, 5, 10, 14)))
  expect(days.map(({ from }) => from.getDate())).toEqual([4, 5, 6, 7, 8, 9, 10])
  expect(days.map(({ files }) => files)).toEqual([24, 24, 24, 24, 24, 24, 15])
  expect(days.at(-1)?.bytes).toBe(150)
})

test('the last day of a short answer may stand alone', () => {
  expect(lastDays([])).toEqual([])
  expect(lastDays(hours(1, new Date(2026, 2, 1))).map(({ files }) => files)).toEqual([0, 0, 0, 0, 0, 0, 1])
})

test('24 hours are the last of them', () => {
  const day = lastHours(hours(168, new Date(2026, 5, 10, 14)))
  expect(day).toHaveLength(24)
  expect(day.at(-1)?.from.getHours()).toBe(14)
  expect(total(day, 'files')).toBe(24)
})
