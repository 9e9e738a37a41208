import { Group, Radio, SegmentedControl, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { type Extent, parts } from './scopes'

type Props = {
  narrow: boolean
  onNarrow: (narrow: boolean) => void
  extents: Record<string, Extent>
  onChange: (extents: Record<string, Extent>) => void
  error?: ReactNode
}

const extentOf = (text: string): Extent => (text === 'read' || text === 'all' ? text : 'none')

/** Holds a token to parts of the API, or lets it do all that its role may. */
export function ScopesInput({ narrow, onNarrow, extents, onChange, error }: Props) {
  return (
    <Stack gap="xs">
      <Radio.Group
        label="What it is for"
        value={narrow ? 'parts' : 'all'}
        onChange={(next) => onNarrow(next === 'parts')}
        error={error}
      >
        <Stack gap={6} pt={6}>
          <Radio value="all" label="Everything that the role may" />
          <Radio value="parts" label="Some parts only" description="A script that starts a job needs nothing else." />
        </Stack>
      </Radio.Group>
      {narrow && (
        <Stack gap={4}>
          {parts.map(({ part, label }) => (
            <Group key={part} justify="space-between" gap="xs">
              <Text size="sm">{label}</Text>
              <SegmentedControl
                size="xs"
                aria-label={label}
                value={extents[part] ?? 'none'}
                onChange={(next) => onChange({ ...extents, [part]: extentOf(next) })}
                data={[
                  { value: 'none', label: 'None' },
                  { value: 'read', label: 'Read' },
                  { value: 'all', label: 'Change' },
                ]}
              />
            </Group>
          ))}
        </Stack>
      )}
    </Stack>
  )
}
