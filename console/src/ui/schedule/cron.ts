/** What most schedules are, beside the cron expression that says it. */
export type Pattern =
  | { kind: 'minutes'; every: number }
  | { kind: 'hours'; every: number; minute: number }
  | { kind: 'daily'; time: string }
  | { kind: 'weekly'; days: number[]; time: string }
  | { kind: 'monthly'; day: number | 'last'; time: string }
  | { kind: 'cron'; text: string }

/** What divides an hour, and a day: what doesn't would not be regular. */
export const minuteSteps = [1, 2, 3, 5, 6, 10, 12, 15, 20, 30]
export const hourSteps = [1, 2, 3, 4, 6, 8, 12]

const codes = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']
const dayNames = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

/** Monday first; the number is cron's. */
export const weekdays = [1, 2, 3, 4, 5, 6, 0].map((day) => ({ day, name: dayNames[day] ?? '' }))

const names: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * SUN',
  '@monthly': '0 0 1 * *',
}

/** The pattern of an expression; `cron` for one that is none of the usual ones. */
export function parseCron(text: string): Pattern {
  const other: Pattern = { kind: 'cron', text }
  const expression = text.trim()
  const fields = (names[expression.toLowerCase()] ?? expression).split(/\s+/)
  const [minute = '', hour = '', date = '', month = '', weekday = ''] = fields
  if (fields.length !== 5 || month !== '*') return other

  if (hour === '*' && date === '*' && weekday === '*') {
    const every = step(minute, minuteSteps)
    if (every) return { kind: 'minutes', every }
  }
  const at = whole(minute, 59)
  if (at === undefined) return other
  if (date === '*' && weekday === '*') {
    const every = step(hour, hourSteps)
    if (every) return { kind: 'hours', every, minute: at }
  }
  const hours = whole(hour, 23)
  if (hours === undefined) return other
  const time = `${two(hours)}:${two(at)}`
  if (date === '*' && weekday === '*') return { kind: 'daily', time }
  if (date === '*') {
    const days = daysOf(weekday)
    return days ? { kind: 'weekly', days, time } : other
  }
  if (weekday !== '*') return other
  if (date.toUpperCase() === 'L') return { kind: 'monthly', day: 'last', time }
  const day = whole(date, 31)
  return day ? { kind: 'monthly', day, time } : other
}

/** The expression of a pattern. */
export function writeCron(pattern: Pattern): string {
  switch (pattern.kind) {
    case 'minutes':
      return pattern.every === 1 ? '* * * * *' : `*/${pattern.every} * * * *`
    case 'hours':
      return `${pattern.minute} ${pattern.every === 1 ? '*' : `*/${pattern.every}`} * * *`
    case 'daily':
      return `${clock(pattern.time)} * * *`
    case 'weekly':
      return `${clock(pattern.time)} * * ${writeDays(pattern.days)}`
    case 'monthly':
      return `${clock(pattern.time)} ${pattern.day === 'last' ? 'L' : pattern.day} * *`
    case 'cron':
      return pattern.text
  }
}

/** `Weekdays at 02:00`. */
export function cronWords(text: string): string {
  const pattern = parseCron(text)
  switch (pattern.kind) {
    case 'minutes':
      return pattern.every === 1 ? 'Every minute' : `Every ${pattern.every} minutes`
    case 'hours': {
      const past = pattern.minute === 0 ? 'on the hour' : `at ${pattern.minute} past`
      return pattern.every === 1 ? `Every hour, ${past}` : `Every ${pattern.every} hours, ${past}`
    }
    case 'daily':
      return `Every day at ${pattern.time}`
    case 'weekly':
      return `${dayWords(pattern.days)} at ${pattern.time}`
    case 'monthly':
      return pattern.day === 'last'
        ? `On the last day of each month at ${pattern.time}`
        : `On day ${pattern.day} of each month at ${pattern.time}`
    case 'cron':
      return `By the cron expression ${pattern.text}`
  }
}

const isWorkweek = (days: number[]) => writeDays(days) === 'MON-FRI'

function dayWords(days: number[]): string {
  if (isWorkweek(days)) return 'Monday to Friday'
  const chosen = weekdays.filter(({ day }) => days.includes(day)).map(({ name }) => name)
  return `Every ${new Intl.ListFormat('en', { type: 'conjunction' }).format(chosen)}`
}

function writeDays(days: number[]): string {
  const sorted = weekdays.filter(({ day }) => days.includes(day)).map(({ day }) => day)
  if (sorted.join() === '1,2,3,4,5') return 'MON-FRI'
  return sorted.map((day) => codes[day]).join(',')
}

/** `MON`, `1`, `MON-FRI`, `SAT,SUN` as numbers; nothing for what else there may be (`FRI#2`). */
function daysOf(field: string): number[] | undefined {
  const days = new Set<number>()
  for (const part of field.split(',')) {
    const [from = '', to = from, ...more] = part.split('-')
    const [first, last] = [dayOf(from), dayOf(to)]
    if (first === undefined || last === undefined || more.length > 0) return undefined
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day)
      if (day === last) break
    }
  }
  return weekdays.map(({ day }) => day).filter((day) => days.has(day))
}

function dayOf(text: string): number | undefined {
  const named = codes.indexOf(text.toUpperCase())
  if (named >= 0) return named
  const number = whole(text, 7)
  return number === undefined ? undefined : number % 7
}

function step(field: string, allowed: number[]): number | undefined {
  if (field === '*') return 1
  const every = field.startsWith('*/') ? Number(field.slice(2)) : Number.NaN
  return allowed.includes(every) ? every : undefined
}

function whole(field: string, most: number): number | undefined {
  if (!/^\d{1,2}$/.test(field)) return undefined
  const number = Number(field)
  return number <= most ? number : undefined
}

const two = (number: number) => String(number).padStart(2, '0')

/** `02:30` → `30 2`. */
function clock(time: string): string {
  const [hours = '0', minutes = '0'] = time.split(':')
  return `${Number(minutes)} ${Number(hours)}`
}
