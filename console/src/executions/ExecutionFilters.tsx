import { Button, Chip, Group, Select, Stack, Switch } from '@mantine/core'
import { useJobs, useMappings } from '../api/lists'
import type { schemas } from '../api/types'
import { words } from '../ui/format'
import { Period } from '../ui/Period'
import { SearchInput } from '../ui/SearchInput'

const states: schemas['ExecutionState'][] = ['running', 'queued', 'paused', 'failed', 'cancelled', 'completed']

type Name = 'state' | 'job_id' | 'mapping_id' | 'triggered_by' | 'search' | 'since' | 'until' | 'uneventful'

type Props = {
  values: Record<Name, string | undefined>
  set: (changes: Partial<Record<Name, string | null>>) => void
  clear: (() => void) | undefined
}

/** What the list of executions is narrowed by. */
export function ExecutionFilters({ values, set, clear }: Props) {
  const jobs = useJobs()
  const mappings = useMappings()
  const choice = values.job_id ? `job ${values.job_id}` : values.mapping_id ? `mapping ${values.mapping_id}` : null
  return (
    <Stack gap="xs">
      <Chip.Group
        multiple
        value={values.state?.split(',') ?? []}
        onChange={(chosen) => set({ state: chosen.length > 0 ? chosen.join(',') : null })}
      >
        <Group gap={6} role="group" aria-label="State">
          {states.map((state) => (
            <Chip key={state} value={state} size="xs">
              {words(state)}
            </Chip>
          ))}
        </Group>
      </Chip.Group>
      <Group gap="xs" align="flex-end">
        <SearchInput
          label="Search"
          size="xs"
          w={180}
          placeholder="Part of the name"
          value={values.search}
          onChange={(search) => set({ search })}
        />
        <Select
          label="Job or folder mapping"
          size="xs"
          w={190}
          placeholder="Any"
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'Any job or folder mapping' }}
          data={[
            { group: 'Jobs', items: (jobs.data ?? []).map(({ id, name }) => ({ value: `job ${id}`, label: name })) },
            {
              group: 'Folder mappings',
              items: (mappings.data ?? []).map(({ id, name }) => ({ value: `mapping ${id}`, label: name })),
            },
          ]}
          value={choice}
          onChange={(chosen) => {
            const [kind, id = null] = chosen?.split(' ') ?? []
            set({ job_id: kind === 'job' ? id : null, mapping_id: kind === 'mapping' ? id : null })
          }}
        />
        <SearchInput
          label="Asked for by"
          size="xs"
          w={140}
          placeholder="Anybody"
          value={values.triggered_by}
          onChange={(triggered_by) => set({ triggered_by })}
        />
        <Period since={values.since} until={values.until} onChange={set} />
        <Switch
          label="Pulls that found nothing, too"
          size="xs"
          mb={8}
          checked={values.uneventful === 'shown'}
          onChange={(event) => set({ uneventful: event.currentTarget.checked ? 'shown' : null })}
        />
        {clear && (
          <Button variant="subtle" size="xs" onClick={clear}>
            Clear filters
          </Button>
        )}
      </Group>
    </Stack>
  )
}
