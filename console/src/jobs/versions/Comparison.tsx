import { Group, SegmentedControl, Select, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import type { schemas } from '../../api/types'
import { useFilters } from '../../ui/filters'
import { Section } from '../../ui/Section'
import { shortTime } from '../../ui/time'
import { draftOf } from '../draft'
import { written } from '../text/parse'
import { DiffTable } from './DiffTable'
import { compared } from './diff'

type Version = schemas['JobVersion']

type Props = {
  versions: Version[]
  from: Version
  to: Version
  onChange: (choice: { from?: string; to?: string }) => void
}

/** Two versions of a job, line by line. */
export default function Comparison({ versions, from, to, onChange }: Props) {
  const { values, set } = useFilters('diff')
  const narrow = useMediaQuery('(max-width: 62em)') ?? false
  const unified = values.diff === 'unified' || (narrow && values.diff !== 'sides')
  const text = ({ definition }: Version) => written(draftOf(definition), 'yaml')
  const rows = compared(text(from), text(to))
  const choices = versions.map(({ version, created_at, created_by }) => ({
    value: String(version),
    label: `Version ${version}, ${shortTime(new Date(created_at))}, ${created_by}`,
  }))
  return (
    <Section title="What changed">
      <Group align="flex-end" gap="sm" mb="sm">
        <Select
          label="From"
          data={choices}
          value={String(from.version)}
          allowDeselect={false}
          onChange={(version) => version && onChange({ from: version, to: String(to.version) })}
          flex={1}
          miw={200}
        />
        <Select
          label="To"
          data={choices}
          value={String(to.version)}
          allowDeselect={false}
          onChange={(version) => version && onChange({ from: String(from.version), to: version })}
          flex={1}
          miw={200}
        />
        <SegmentedControl
          size="xs"
          aria-label="View of the comparison"
          data={[
            { value: 'sides', label: 'Side by side' },
            { value: 'unified', label: 'Unified' },
          ]}
          value={unified ? 'unified' : 'sides'}
          onChange={(diff) => set({ diff })}
        />
      </Group>
      {rows.every(({ kind }) => kind === 'same') ? (
        <Text size="sm">These versions say the same. What was changed was changed back.</Text>
      ) : (
        <DiffTable
          key={`${from.version} ${to.version}`}
          rows={rows}
          unified={unified}
          label={`Version ${from.version} and version ${to.version}`}
        />
      )}
    </Section>
  )
}
