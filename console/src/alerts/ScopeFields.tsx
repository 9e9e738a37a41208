import { MultiSelect, Stack, Text } from '@mantine/core'
import { useConnections, useJobs, useMappings } from '../api/lists'
import type { Part } from './fields'
import { scopes } from './kinds'

type Named = { id: string; name: string }

/** Choices for ids, those included that are named and gone. */
const choices = (items: Named[] | undefined, named: string[]) => [
  ...(items ?? []).map(({ id, name }) => ({ value: id, label: name })),
  ...named
    .filter((id) => items && !items.some((item) => item.id === id))
    .map((id) => ({ value: id, label: 'a deleted one' })),
]

/** About what an alert tells: everything, or what is named. Only what can narrow its kinds is asked for. */
export function ScopeFields({ draft, set, errors }: Part) {
  const jobs = useJobs()
  const connections = useConnections()
  const mappings = useMappings()
  const owner = (id: string) => connections.data?.find((connection) => connection.id === id)?.name
  const folders = mappings.data?.map((mapping) => ({
    id: mapping.id,
    name: [owner(mapping.connection_id), mapping.name].filter(Boolean).join(': '),
  }))
  const narrows = (name: keyof typeof scopes) =>
    draft[name].length > 0 || scopes[name].some((kind) => draft.on.includes(kind))
  if (!narrows('jobs') && !narrows('connections') && !narrows('mappings')) {
    return <Text size="sm">The expected file says it.</Text>
  }
  return (
    <Stack gap="sm">
      {narrows('jobs') && (
        <MultiSelect
          label="Jobs"
          description="Their executions. Where nothing is named, all."
          placeholder={draft.jobs.length === 0 ? 'All' : undefined}
          searchable
          data={choices(jobs.data, draft.jobs)}
          value={draft.jobs}
          onChange={(next) => set({ jobs: next })}
          error={errors.jobs}
        />
      )}
      {narrows('connections') && (
        <MultiSelect
          label="Connections"
          description="Their health and their files. Where nothing is named, all."
          placeholder={draft.connections.length === 0 ? 'All' : undefined}
          searchable
          data={choices(connections.data, draft.connections)}
          value={draft.connections}
          onChange={(next) => set({ connections: next })}
          error={errors.connections}
        />
      )}
      {narrows('mappings') && (
        <MultiSelect
          label="Folder mappings"
          description="Their executions, health and files. Where nothing is named, all."
          placeholder={draft.mappings.length === 0 ? 'All' : undefined}
          searchable
          data={choices(folders, draft.mappings)}
          value={draft.mappings}
          onChange={(next) => set({ mappings: next })}
          error={errors.mappings}
        />
      )}
    </Stack>
  )
}
