import type { schemas } from '../api/types'

type Hour = schemas['ActivityHour']

/** What happened in a stretch of time. */
export type Bucket = {
  from: Date
  files: number
  bytes: number
  failed: number
}

const sum = (from: Date, hours: Hour[]): Bucket => ({
  from,
  files: hours.reduce((total, hour) => total + hour.files, 0),
  bytes: hours.reduce((total, hour) => total + hour.bytes, 0),
  failed: hours.reduce((total, hour) => total + hour.failed, 0),
})

/** The last 24 hours, the running one last. */
export const lastHours = (hours: Hour[]): Bucket[] => hours.slice(-24).map((hour) => sum(new Date(hour.at), [hour]))

/** The last seven days of the viewer's calendar, today last; an hour that two days share counts for the one it begins in. */
export function lastDays(hours: Hour[]): Bucket[] {
  const last = hours.at(-1)
  if (!last) return []
  const today = new Date(last.at)
  return Array.from({ length: 7 }, (_, index) => {
    // By the calendar and not by 24 hours: where the clocks change, days are longer or shorter.
    const from = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 6 + index)
    const until = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 5 + index)
    return sum(
      from,
      hours.filter(({ at }) => new Date(at) >= from && new Date(at) < until),
    )
  })
}

/** All of them together. */
export const total = (buckets: Bucket[], of: 'files' | 'bytes' | 'failed') =>
  buckets.reduce((all, bucket) => all + bucket[of], 0)
