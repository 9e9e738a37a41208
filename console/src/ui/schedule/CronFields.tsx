import { Chip, Group, Input, NumberInput, Select, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { cronWords, hourSteps, minuteSteps, type Pattern, parseCron, weekdays, writeCron } from './cron'
import { ZoneSelect } from './ZoneSelect'

/** A cron expression and the zone whose clocks count. */
export type CronValue = { cron: string; timezone: string }

type Props = {
  value: CronValue
  onChange: (value: CronValue) => void
  errors?: { cron?: string | undefined; timezone?: string | undefined }
}

const kinds: { value: Pattern['kind']; label: string }[] = [
  { value: 'minutes', label: 'Every few minutes' },
  { value: 'hours', label: 'Hourly' },
  { value: 'daily', label: 'Daily' },
  { value: 'weekly', label: 'Weekly' },
  { value: 'monthly', label: 'Monthly' },
  { value: 'cron', label: 'By a cron expression' },
]

/** When something repeats: the usual patterns by choices, all others by a cron expression. */
export function CronFields({ value, onChange, errors = {} }: Props) {
  // A usual expression is typed where somebody wants to.
  const [typed, setTyped] = useState(false)
  const parsed = parseCron(value.cron)
  const pattern: Pattern = typed ? { kind: 'cron', text: value.cron } : parsed
  const change = (next: Pattern) => onChange({ ...value, cron: writeCron(next) })
  return (
    <Stack gap="sm">
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <Select
          label="Repeats"
          data={kinds}
          value={pattern.kind}
          allowDeselect={false}
          onChange={(kind) => {
            setTyped(kind === 'cron')
            if (kind && kind !== 'cron') change(likeBefore(kind as Pattern['kind'], pattern))
          }}
        />
        <PatternFields
          pattern={pattern}
          onChange={(next) => {
            // An expression that is a usual one for a moment is still being typed.
            if (next.kind === 'cron') setTyped(true)
            change(next)
          }}
          error={errors.cron}
        />
      </SimpleGrid>
      {pattern.kind === 'weekly' && (
        <Days days={pattern.days} onChange={(days) => change({ ...pattern, days })} error={errors.cron} />
      )}
      <ZoneSelect
        value={value.timezone}
        onChange={(timezone) => onChange({ ...value, timezone })}
        error={errors.timezone}
      />
    </Stack>
  )
}

type FieldProps = { pattern: Pattern; onChange: (pattern: Pattern) => void; error?: string | undefined }

function PatternFields({ pattern, onChange, error }: FieldProps) {
  switch (pattern.kind) {
    case 'minutes':
      return (
        <Select
          label="Every"
          data={minuteSteps.map((every) => ({
            value: String(every),
            label: every === 1 ? 'minute' : `${every} minutes`,
          }))}
          value={String(pattern.every)}
          allowDeselect={false}
          onChange={(every) => onChange({ kind: 'minutes', every: Number(every) })}
          error={error}
        />
      )
    case 'hours':
      return (
        <Group grow align="flex-start" gap="sm">
          <Select
            label="Every"
            data={hourSteps.map((every) => ({
              value: String(every),
              label: every === 1 ? 'hour' : `${every} hours`,
            }))}
            value={String(pattern.every)}
            allowDeselect={false}
            onChange={(every) => onChange({ ...pattern, every: Number(every) })}
            error={error}
          />
          <NumberInput
            label="Minutes past the hour"
            value={pattern.minute}
            min={0}
            max={59}
            clampBehavior="strict"
            allowDecimal={false}
            onChange={(minute) => onChange({ ...pattern, minute: Number(minute) })}
          />
        </Group>
      )
    case 'daily':
    case 'weekly':
      return <TimeOfDay value={pattern.time} onChange={(time) => onChange({ ...pattern, time })} error={error} />
    case 'monthly':
      return (
        <Group grow align="flex-start" gap="sm">
          <Select
            label="On"
            data={[
              ...Array.from({ length: 31 }, (_, i) => ({ value: String(i + 1), label: `day ${i + 1}` })),
              { value: 'last', label: 'the last day' },
            ]}
            value={String(pattern.day)}
            allowDeselect={false}
            onChange={(day) => onChange({ ...pattern, day: day === 'last' ? 'last' : Number(day) })}
            error={error}
            description={
              pattern.day !== 'last' && pattern.day > 28 ? 'Months without this day are left out.' : undefined
            }
            inputWrapperOrder={['label', 'input', 'description', 'error']}
          />
          <TimeOfDay value={pattern.time} onChange={(time) => onChange({ ...pattern, time })} />
        </Group>
      )
    case 'cron':
      return (
        <TextInput
          label="Cron expression"
          description={
            parseCron(pattern.text).kind === 'cron'
              ? 'Minute, hour, day of the month, month, day of the week.'
              : `${cronWords(pattern.text)}.`
          }
          inputWrapperOrder={['label', 'input', 'description', 'error']}
          value={pattern.text}
          onChange={(event) => onChange({ kind: 'cron', text: event.currentTarget.value })}
          error={error}
          autoComplete="off"
          spellCheck={false}
          styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        />
      )
  }
}

function TimeOfDay(props: { value: string; onChange: (time: string) => void; error?: string | undefined }) {
  return (
    <TextInput
      type="time"
      label="At"
      value={props.value}
      // An emptied field has no time; the one before stays.
      onChange={(event) => event.currentTarget.value && props.onChange(event.currentTarget.value.slice(0, 5))}
      error={props.error}
    />
  )
}

type DaysProps = { days: number[]; onChange: (days: number[]) => void; error?: string | undefined }

function Days({ days, onChange, error }: DaysProps) {
  return (
    <Input.Wrapper label="On" labelElement="div" error={error}>
      <Chip.Group
        multiple
        value={days.map(String)}
        // One day at least: an expression without any says nothing.
        onChange={(next) => next.length > 0 && onChange(next.map(Number))}
      >
        <Group gap={6} mt={4} role="group" aria-label="Days of the week">
          {weekdays.map(({ day, name }) => (
            <Chip key={day} value={String(day)} size="xs">
              {name}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
    </Input.Wrapper>
  )
}

/** Another pattern with what the one before said of the time. */
function likeBefore(kind: Pattern['kind'], before: Pattern): Pattern {
  const time = 'time' in before ? before.time : '02:00'
  switch (kind) {
    case 'minutes':
      return { kind, every: 15 }
    case 'hours':
      return { kind, every: 1, minute: 'time' in before ? Number(time.slice(3)) : 0 }
    case 'daily':
      return { kind, time }
    case 'weekly':
      return { kind, days: [1, 2, 3, 4, 5], time }
    case 'monthly':
      return { kind, day: 1, time }
    case 'cron':
      return { kind, text: writeCron(before) }
  }
}
