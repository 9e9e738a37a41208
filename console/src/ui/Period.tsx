import { Group, Select, TextInput } from '@mantine/core'
import { fromLocalInput, isPeriod, localInput, periods, periodTime } from './period'

type Props = {
  since: string | undefined
  until: string | undefined
  onChange: (change: { since?: string | null; until?: string | null }) => void
}

/** Narrows a list to a span of time: one that ends now, or from one time to another. */
export function Period({ since, until, onChange }: Props) {
  const custom = until !== undefined || (since !== undefined && !isPeriod(since))
  return (
    <Group gap="xs" align="flex-end">
      <Select
        label="When"
        size="xs"
        w={160}
        data={[{ value: '', label: 'At any time' }, ...periods, { value: 'custom', label: 'From … to …' }]}
        value={custom ? 'custom' : (since ?? '')}
        allowDeselect={false}
        onChange={(value) =>
          onChange(
            value === 'custom'
              ? { since: periodTime(since ?? '24h') ?? null, until: null }
              : { since: value || null, until: null },
          )
        }
      />
      {custom && (
        <>
          <TextInput
            label="From"
            size="xs"
            type="datetime-local"
            value={localInput(periodTime(since))}
            onChange={(event) => onChange({ since: fromLocalInput(event.currentTarget.value) ?? null })}
          />
          <TextInput
            label="To"
            size="xs"
            type="datetime-local"
            value={localInput(until)}
            onChange={(event) => onChange({ until: fromLocalInput(event.currentTarget.value) ?? null })}
          />
        </>
      )}
    </Group>
  )
}
