import { Button, Group, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { Link } from 'react-router'
import { api, read } from '../api/client'
import { all } from '../api/pages'
import type { schemas } from '../api/types'
import { Only } from '../auth/session'
import { Empty } from '../ui/Empty'
import { useFilters } from '../ui/filters'
import { counted, protocolName } from '../ui/format'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { SearchInput } from '../ui/SearchInput'
import { Section } from '../ui/Section'
import { ConnectionTable } from './ConnectionTable'
import { grouped } from './groups'
import { useProtocols } from './protocols'

type Connection = schemas['Connection']

const healths: { value: schemas['Health']; label: string }[] = [
  { value: 'requires_attention', label: 'Requires attention' },
  { value: 'failing', label: 'Failing' },
  { value: 'healthy', label: 'Healthy' },
  { value: 'unknown', label: 'Not tried yet' },
]

const statuses: { value: schemas['ConnectionStatus']; label: string }[] = [
  { value: 'active', label: 'Active' },
  { value: 'disabled', label: 'Disabled' },
]

/** Every partner’s server that Courier knows, by group. */
export default function ConnectionsPage() {
  const { values, set, any } = useFilters('search', 'protocol', 'health', 'status')
  const protocols = useProtocols()
  const query = {
    search: values.search,
    protocol: values.protocol,
    health: healths.find(({ value }) => value === values.health)?.value,
    status: statuses.find(({ value }) => value === values.status)?.value,
    limit: 1000,
  }
  const connections = useQuery({
    queryKey: ['connections', 'list', query],
    queryFn: () => all((cursor) => read(api.GET('/api/connections', { params: { query: { ...query, cursor } } }))),
    placeholderData: (old: Connection[] | undefined) => old,
  })
  return (
    <Page
      title="Connections"
      about="The servers of partners, and the function apps, that files and calls go to."
      actions={
        <Only role="operator">
          <Button component={Link} to="/connections/new" leftSection={<Plus size={16} aria-hidden />}>
            New connection
          </Button>
        </Only>
      }
    >
      <Group gap="xs" align="flex-end">
        <SearchInput
          label="Search"
          placeholder="Name or host"
          value={values.search}
          onChange={(search) => set({ search })}
          flex={{ base: '1 1 100%', sm: '1 1 220px' }}
        />
        <Filter
          label="Protocol"
          data={(protocols.data ?? []).map(({ name }) => ({ value: name, label: protocolName(name) }))}
          value={values.protocol}
          onChange={(protocol) => set({ protocol })}
        />
        <Filter label="Health" data={healths} value={values.health} onChange={(health) => set({ health })} />
        <Filter label="Status" data={statuses} value={values.status} onChange={(status) => set({ status })} />
      </Group>
      {connections.data ? (
        <Found
          connections={connections.data}
          filtered={any}
          onClear={() => set({ search: null, protocol: null, health: null, status: null })}
        />
      ) : connections.error ? (
        <Problem error={connections.error} retry={() => void connections.refetch()} />
      ) : (
        <Loading />
      )}
    </Page>
  )
}

type FilterProps = {
  label: string
  data: { value: string; label: string }[]
  value: string | undefined
  onChange: (value: string | null) => void
}

function Filter({ label, data, value, onChange }: FilterProps) {
  return (
    <Select
      label={label}
      placeholder="All"
      data={data}
      value={value ?? null}
      onChange={onChange}
      clearable
      w={{ base: 'calc(50% - 5px)', xs: 160 }}
    />
  )
}

type FoundProps = { connections: Connection[]; filtered: boolean; onClear: () => void }

function Found({ connections, filtered, onClear }: FoundProps) {
  if (connections.length === 0 && filtered) {
    return (
      <Empty
        title="No connection is like that"
        action={
          <Button variant="default" onClick={onClear}>
            Show all
          </Button>
        }
      >
        None has what you search for and all that you filter by.
      </Empty>
    )
  }
  if (connections.length === 0) {
    return (
      <Empty
        title="There is no connection yet"
        action={
          <Only role="operator">
            <Button component={Link} to="/connections/new">
              Connect a server
            </Button>
          </Only>
        }
      >
        Connect a partner’s server: you need its address, and a user name there. Courier makes the key.
      </Empty>
    )
  }
  return (
    <Stack gap="md">
      {grouped(connections).map(({ name, members }) => (
        <Section key={name ?? ''} title={name ?? 'Ungrouped'} flush>
          <ConnectionTable connections={members} label={name ?? 'Ungrouped'} />
        </Section>
      ))}
      <Text size="sm" c="dimmed">
        {counted(connections.length, 'connection')}
      </Text>
    </Stack>
  )
}
