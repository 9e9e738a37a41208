import { Group, NumberInput, Select } from '@mantine/core'
import { useState } from 'react'

const units = [
  { value: '1', label: 'seconds' },
  { value: '60', label: 'minutes' },
  { value: '3600', label: 'hours' },
  { value: '86400', label: 'days' },
]

type Props = {
  label: string
  description: string
  /** Seconds. */
  value: number | undefined
  onChange: (value: number | undefined) => void
  min?: number
  error?: string | undefined
}

/** A length of time, as a number and its unit. */
export function Span({ label, description, value, onChange, min = 0, error }: Props) {
  const [unit, setUnit] = useState(() => fitting(value))
  return (
    <Group gap="xs" align="flex-end" wrap="nowrap">
      <NumberInput
        label={label}
        description={description}
        value={value === undefined ? '' : value / unit}
        onChange={(next) => onChange(next === '' ? undefined : Math.round(Number(next) * unit))}
        min={min}
        allowNegative={false}
        decimalScale={2}
        error={error}
        flex={1}
      />
      <Select
        aria-label={`Unit of “${label}”`}
        data={units}
        value={String(unit)}
        onChange={(next) => {
          setUnit(Number(next))
          if (value !== undefined) onChange(Math.round((value / unit) * Number(next)))
        }}
        allowDeselect={false}
        w={110}
      />
    </Group>
  )
}

/** The biggest unit of which it is whole. */
function fitting(seconds: number | undefined): number {
  const sizes = units.map(({ value }) => Number(value)).reverse()
  return sizes.find((size) => seconds && seconds % size === 0) ?? 60
}
