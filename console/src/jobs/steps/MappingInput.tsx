import { Select } from '@mantine/core'
import { useConnections, useMappings } from '../../api/lists'
import { Help } from '../../ui/Help'
import type { SettingProps } from './StepSetting'

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
