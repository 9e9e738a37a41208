import { Select } from '@mantine/core'

/** The viewer's own zone: what a new schedule is in. */
export const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone

const known = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')]

type Props = {
  value: string
  onChange: (zone: string) => void
  error?: string | undefined
  description?: string
}

/** Whose clocks count. */
export function ZoneSelect({ value, onChange, error, description }: Props) {
  const zones = known.includes(value) ? known : [value, ...known]
  return (
    <Select
      label="Time zone"
      description={description}
      data={zones}
      value={value}
      onChange={(zone) => zone && onChange(zone)}
      error={error}
      searchable
      allowDeselect={false}
      limit={100}
      nothingFoundMessage="There is no zone of that name."
    />
  )
}
