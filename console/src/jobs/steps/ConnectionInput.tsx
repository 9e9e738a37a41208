import { Anchor, Select } from '@mantine/core'
import { Link } from 'react-router'
import { useConnections } from '../../api/lists'
import type { schemas } from '../../api/types'
import { protocolName } from '../../ui/format'
import type { SettingProps } from './StepSetting'

/** Which connection: those that a step can use, under their groups. */
export function ConnectionInput({ setting, label, value, onChange, error, type }: SettingProps) {
  const connections = useConnections()
  const items = connections.data ?? []
  const chosen = items.find(({ id }) => id === value)
  // What is chosen stays to be seen, though it may not fit or may be gone.
  const usable = items.filter((connection) => connection === chosen || fits(type, connection))
  const unknown = typeof value === 'string' && value !== '' && connections.data && !chosen
  const none = connections.data && usable.length === 0
  return (
    <Select
      label={label}
      withAsterisk={setting.required}
      description={
        none && (
          <>
            There is no connection for this step yet.{' '}
            <Anchor component={Link} to="/connections/new" inherit>
              Connect a server
            </Anchor>
          </>
        )
      }
      data={[...inGroups(usable), ...(unknown ? [{ value, label: `${value} (not there)` }] : [])]}
      value={typeof value === 'string' ? value : null}
      onChange={(id) => onChange(id ?? undefined)}
      error={error ?? (unknown ? 'There is no such connection any more. Choose another one.' : undefined)}
      searchable
      openOnFocus={false}
      clearable={!setting.required}
      allowDeselect={false}
      placeholder="Choose a connection"
      nothingFoundMessage="There is no connection of that name for this step."
    />
  )
}

function fits(type: schemas['StepType'], connection: schemas['Connection']): boolean {
  if (type.protocol) return connection.protocol === type.protocol
  return connection.protocol !== 'azure_function'
}

function inGroups(connections: schemas['Connection'][]) {
  const groups = new Map<string, { value: string; label: string }[]>()
  // Those without a group come last, as in the list of connections.
  const sorted = [...connections].sort(
    (a, b) =>
      Number(!a.group) - Number(!b.group) ||
      (a.group ?? '').localeCompare(b.group ?? '') ||
      a.name.localeCompare(b.name),
  )
  for (const { id, name, group, protocol, status } of sorted) {
    const off = status === 'disabled' ? ', disabled' : ''
    const entry = { value: id, label: `${name} (${protocolName(protocol)}${off})` }
    groups.set(group ?? 'Ungrouped', [...(groups.get(group ?? 'Ungrouped') ?? []), entry])
  }
  return [...groups].map(([group, items]) => ({ group, items }))
}
