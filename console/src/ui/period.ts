const seconds: Record<string, number> = { '1h': 3600, '24h': 86_400, '7d': 604_800, '30d': 2_592_000 }

/** The spans of time that a list can be narrowed to, as they stand in the address. */
export const periods = [
  { value: '1h', label: 'The last hour' },
  { value: '24h', label: 'The last 24 hours' },
  { value: '7d', label: 'The last 7 days' },
  { value: '30d', label: 'The last 30 days' },
]

/** What the address says as a time: `24h` is 24 hours before now, anything else a time that is written out. */
export function periodTime(value: string | undefined, now = Date.now()): string | undefined {
  if (!value) return undefined
  const length = seconds[value]
  if (length) return new Date(now - length * 1000).toISOString()
  const time = Date.parse(value)
  return Number.isNaN(time) ? undefined : new Date(time).toISOString()
}

/** Is it one of the spans that end now? */
export const isPeriod = (value: string | undefined) => value !== undefined && value in seconds

const two = (value: number) => String(value).padStart(2, '0')

/** A time as an input of the type `datetime-local` wants it: in the viewer's zone, to the minute. */
export function localInput(iso: string | undefined): string {
  const at = new Date(iso ?? '')
  if (Number.isNaN(at.getTime())) return ''
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`
}

/** What such an input holds, as a time in UTC. */
export function fromLocalInput(text: string): string | undefined {
  const at = new Date(text)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}
