import { Anchor, Badge, Button, Group, Select, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { KeyRound, Upload } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { api, read } from '../api/client'
import { useConnections } from '../api/lists'
import { all } from '../api/pages'
import type { schemas } from '../api/types'
import { Only } from '../auth/session'
import { Empty } from '../ui/Empty'
import { useFilters } from '../ui/filters'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { Scroll } from '../ui/Scroll'
import { SearchInput } from '../ui/SearchInput'
import { Section } from '../ui/Section'
import { Time } from '../ui/Time'
import { useFirst } from '../ui/useFirst'
import { GenerateKey } from './GenerateKey'
import { ImportKey } from './ImportKey'
import { KeyStatusBadge } from './KeyStatusBadge'
import { isWeak, keyTypeName } from './keyTypes'

const statuses: { value: schemas['KeyStatus']; label: string }[] = [
  { value: 'active', label: 'Active' },
  { value: 'retired', label: 'Retired' },
  { value: 'deleted', label: 'Deleted' },
]

/** All keys that connections log in with. */
export default function SshKeysPage() {
  const [asking, setAsking] = useState<'generate' | 'import'>()
  const { values, set, any } = useFilters('search', 'status')
  const status = statuses.find(({ value }) => value === values.status)?.value
  const keys = useQuery({
    queryKey: ['ssh-keys', 'list', status],
    queryFn: () =>
      all((cursor) => read(api.GET('/api/ssh-keys', { params: { query: { status, limit: 1000, cursor } } }))),
  })
  const wanted = values.search?.toLowerCase() ?? ''
  const shown = keys.data?.filter((key) => `${key.name} ${key.fingerprint}`.toLowerCase().includes(wanted)).reverse()
  const buttons = (
    <Only role="operator">
      <Button variant="default" leftSection={<Upload size={16} aria-hidden />} onClick={() => setAsking('import')}>
        Import a key
      </Button>
      <Button leftSection={<KeyRound size={16} aria-hidden />} onClick={() => setAsking('generate')}>
        Generate a key
      </Button>
    </Only>
  )
  return (
    <Page
      title="SSH keys"
      about="What connections log in with. Private halves are sealed and never leave Courier."
      actions={buttons}
    >
      <Group gap="xs" align="flex-end">
        <SearchInput
          label="Search"
          placeholder="Name or fingerprint"
          value={values.search}
          onChange={(search) => set({ search })}
          flex={{ base: '1 1 100%', sm: '0 1 320px' }}
        />
        <Select
          label="Status"
          w={200}
          placeholder="Active and retired"
          clearable
          clearButtonProps={{ 'aria-label': 'Active and retired' }}
          data={statuses}
          value={values.status ?? null}
          onChange={(next) => set({ status: next })}
        />
      </Group>
      {keys.error && <Problem error={keys.error} retry={() => void keys.refetch()} />}
      {keys.isPending && <Loading />}
      {shown && (
        <Section flush>
          {shown.length > 0 ? (
            <Keys keys={shown} />
          ) : any ? (
            <Empty
              title="No key fits these filters"
              action={
                <Button variant="default" size="xs" onClick={() => set({ search: null, status: null })}>
                  Clear filters
                </Button>
              }
            />
          ) : (
            <Empty title="No keys yet" action={<Group gap="xs">{buttons}</Group>}>
              Generate a key for a partner, or import one that is already installed there. A key can also be generated
              right at a connection.
            </Empty>
          )}
        </Section>
      )}
      <GenerateKey opened={asking === 'generate'} onClose={() => setAsking(undefined)} />
      <ImportKey opened={asking === 'import'} onClose={() => setAsking(undefined)} />
    </Page>
  )
}

function Keys({ keys }: { keys: schemas['SshKey'][] }) {
  const { first, more } = useFirst(keys, 200)
  return (
    <>
      <Scroll label="SSH keys" minWidth={480}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th miw={150}>Key</Table.Th>
            <Table.Th>Status</Table.Th>
            <Table.Th>Used by</Table.Th>
            <Table.Th>Last used</Table.Th>
            <Table.Th visibleFrom="sm">Made</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {first.map((key) => (
            <Table.Tr key={key.id}>
              <Table.Td>
                {key.status === 'deleted' ? (
                  <Text size="sm">{key.name}</Text>
                ) : (
                  <Anchor component={Link} to={`/ssh-keys/${key.id}`} size="sm" fw={500}>
                    {key.name}
                  </Anchor>
                )}
                <Text size="xs" c="dimmed">
                  {keyTypeName(key.key_type)}
                </Text>
              </Table.Td>
              <Table.Td>
                <Group gap={4}>
                  <KeyStatusBadge status={key.status} />
                  {isWeak(key.key_type) && key.status !== 'deleted' && (
                    <Badge color="orange" variant="light">
                      Weak
                    </Badge>
                  )}
                </Group>
              </Table.Td>
              <Table.Td>
                <UsedBy ids={key.used_by ?? []} />
              </Table.Td>
              <Table.Td>
                <Time at={key.last_used_at} as="ago" none="Never" />
              </Table.Td>
              <Table.Td visibleFrom="sm">
                <Time at={key.created_at} as="ago" />
                <Text size="xs" c="dimmed">
                  by {key.created_by}
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Scroll>
      {more}
    </>
  )
}

/** The most connections that stand in a row. */
const NAMED = 3

function UsedBy({ ids }: { ids: string[] }) {
  const connections = useConnections()
  if (ids.length === 0) return <Text size="sm">Nothing</Text>
  return (
    <>
      {ids.slice(0, NAMED).map((id, index) => (
        <span key={id}>
          {index > 0 && ', '}
          <Anchor component={Link} to={`/connections/${id}/keys`} size="sm">
            {connections.data?.find((connection) => connection.id === id)?.name ?? '…'}
          </Anchor>
        </span>
      ))}
      {ids.length > NAMED && ` and ${ids.length - NAMED} more`}
    </>
  )
}
