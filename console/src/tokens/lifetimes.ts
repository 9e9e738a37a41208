/** How long a token may last: days, or what they can't say. */
export const lifetimes = [
  { value: '7', label: 'In 7 days' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
  { value: 'date', label: 'On a day of your choice' },
  { value: 'never', label: 'Never' },
]

/** When such a token ends: so many days from now, or with the end of a day in the viewer's zone. */
export function endOf(lifetime: string, date: string, now = Date.now()): string | null {
  if (lifetime === 'never') return null
  if (lifetime === 'date') {
    const end = new Date(`${date}T23:59:59`)
    return Number.isNaN(end.getTime()) ? null : end.toISOString()
  }
  return new Date(now + Number(lifetime) * 86_400_000).toISOString()
}
