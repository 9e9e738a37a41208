import { Chip, Group, Input } from '@mantine/core'
import type { schemas } from '../api/types'

const days: schemas['Weekday'][] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const format = new Intl.DateTimeFormat(undefined, { weekday: 'short', timeZone: 'UTC' })
/** The first of January 2024 was a Monday. */
const name = (index: number) => format.format(new Date(Date.UTC(2024, 0, 1 + index)))

type Props = { label: string; value: schemas['Weekday'][]; onChange: (days: schemas['Weekday'][]) => void }

/** Days of the week; none means every day. */
export function Weekdays({ label, value, onChange }: Props) {
  return (
    <Input.Wrapper label={label} description="Every day where none is chosen." labelElement="div">
      <Chip.Group multiple value={value} onChange={(chosen) => onChange(days.filter((day) => chosen.includes(day)))}>
        <Group gap={6} mt={6} role="group" aria-label={label}>
          {days.map((day, index) => (
            <Chip key={day} value={day} size="xs">
              {name(index)}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
    </Input.Wrapper>
  )
}
