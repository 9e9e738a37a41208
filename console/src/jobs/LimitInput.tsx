import { NumberInput } from '@mantine/core'
import { duration } from '../ui/time'

type Props = {
  label: string
  description: string
  value: number | null | undefined
  onChange: (value: number | undefined) => void
  error: string | undefined
  /** True where the number is seconds: it is said in words, too. */
  seconds?: boolean
}

/** A limit that need not be set. */
export function LimitInput({ label, description, value, onChange, error, seconds }: Props) {
  return (
    <NumberInput
      label={seconds ? `${label}, seconds` : label}
      description={seconds && value ? `${description} Now ${duration(value * 1000)}.` : description}
      value={value ?? ''}
      min={1}
      allowDecimal={false}
      allowNegative={false}
      placeholder="no limit"
      onChange={(next) => onChange(typeof next === 'number' ? next : undefined)}
      error={error}
    />
  )
}
