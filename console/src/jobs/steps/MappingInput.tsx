import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { api, read } from '../../api/client'
import { all } from '../../api/pages'
import { Help } from '../../ui/Help'
import { useConnections } from './ConnectionInput'
import type { SettingProps } from './StepSetting'

/** All folder mappings, for the picker and for their names. */
export function useMappings(enabled = true) {
  return useQuery({
    queryKey: ['folder-mappings', 'all'],
    queryFn: () =>
      all((cursor) => read(api.GET('/api/folder-mappings', { params: { query: { limit: 1000, cursor } } }))),
    enabled,
  })
}

/** Which folder mapping, under its connection. */
export function MappingInput({ setting, value, onChange, error }: SettingProps) {
  const mappings = useMappings()
  const connections = useConnections()
  const groups = (connections.data ?? []).map(({ id, name }) => ({
    group: name,
    items: (mappings.data ?? [])
      .filter((mapping) => mapping.connection_id === id)
      .map((mapping) => ({ value: mapping.id, label: mapping.name })),
  }))
  return (
    <Select
      label="Folder mapping"
      withAsterisk={setting.required}
      description={<Help text={setting.help} />}
      data={groups.filter(({ items }) => items.length > 0)}
      value={typeof value === 'string' ? value : null}
      onChange={(id) => onChange(id ?? undefined)}
      error={error}
      searchable
      openOnFocus={false}
      allowDeselect={false}
      placeholder="Choose a folder mapping"
      nothingFoundMessage="There is no folder mapping of that name. They are made at their connection, under Folders."
    />
  )
}
