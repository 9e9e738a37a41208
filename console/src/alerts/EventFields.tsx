import { Checkbox, Group, Paper, Select, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useConnections, useJobs } from '../api/lists'
import { ZoneSelect } from '../ui/schedule/ZoneSelect'
import type { Part } from './fields'
import { type Kind, kinds } from './kinds'
import { Span } from './Span'
import { Weekdays } from './Weekdays'

/** Of what an alert tells, and what it has to know for that. */
export function EventFields(part: Part) {
  const { draft, set, errors } = part
  return (
    <Checkbox.Group
      aria-label="Of what it tells"
      value={draft.on}
      onChange={(on) => set({ on: kinds.map(({ value }) => value).filter((kind) => on.includes(kind)) })}
      error={errors.on}
    >
      <Stack gap="sm">
        {kinds.map(({ value, label, help }) => (
          <Stack key={value} gap="xs">
            <Checkbox value={value} label={label} description={help} />
            {draft.on.includes(value) && <Needed kind={value} {...part} />}
          </Stack>
        ))}
      </Stack>
    </Checkbox.Group>
  )
}

function Needed({ kind, draft, set, errors }: Part & { kind: Kind }) {
  if (kind === 'execution_late') {
    return (
      <Paper withBorder p="sm" ml={32}>
        <Span
          label="Late after"
          description="From the time that it was due until it is over."
          value={draft.late_after_sec}
          onChange={(late_after_sec) => set({ late_after_sec })}
          min={1}
          error={errors.late_after_sec}
        />
      </Paper>
    )
  }
  return kind === 'file_missing' ? <ExpectedFile draft={draft} set={set} errors={errors} /> : null
}

function ExpectedFile({ draft, set, errors }: Part) {
  const connections = useConnections()
  const jobs = useJobs()
  const { expect } = draft
  const change = (next: Partial<typeof expect>) => set({ expect: { ...expect, ...next } })
  return (
    <Paper withBorder p="sm" ml={32}>
      <Stack gap="sm">
        <TextInput
          label="Expected file"
          description="A pattern for its name, or with a slash for its whole remote path: orders_*.csv, /inbox/**/*.xml."
          placeholder="orders_*.csv"
          withAsterisk
          value={expect.pattern}
          onChange={(event) => change({ pattern: event.currentTarget.value })}
          error={errors['expect.pattern'] ?? errors.expect}
          spellCheck={false}
        />
        <Group gap="sm" align="flex-start">
          <TextInput
            label="Has come by"
            type="time"
            withAsterisk
            value={expect.by}
            onChange={(event) => change({ by: event.currentTarget.value })}
            error={errors['expect.by']}
          />
          <ZoneSelect
            value={expect.timezone}
            onChange={(timezone) => change({ timezone })}
            error={errors['expect.timezone']}
          />
        </Group>
        <Weekdays label="Expected on" value={expect.weekdays} onChange={(weekdays) => change({ weekdays })} />
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <Select
            label="By this connection"
            placeholder="Any"
            searchable
            clearable
            clearButtonProps={{ 'aria-label': 'Any connection' }}
            data={(connections.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
            value={expect.connection_id}
            onChange={(connection_id) => change({ connection_id })}
            error={errors['expect.connection_id']}
          />
          <Select
            label="Moved by this job"
            placeholder="Any"
            searchable
            clearable
            clearButtonProps={{ 'aria-label': 'Any job' }}
            data={(jobs.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
            value={expect.job_id}
            onChange={(job_id) => change({ job_id })}
            error={errors['expect.job_id']}
          />
        </SimpleGrid>
      </Stack>
    </Paper>
  )
}
