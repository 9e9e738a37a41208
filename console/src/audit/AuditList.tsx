import { Badge, Button, Group, Select, Stack, Table, Text, VisuallyHidden } from '@mantine/core'
import { api, read } from '../api/client'
import { nameOf, useConnections } from '../api/lists'
import { usePages } from '../api/pages'
import { Empty } from '../ui/Empty'
import { Exports } from '../ui/Exports'
import { useFilters } from '../ui/filters'
import { Loading } from '../ui/Loading'
import { More } from '../ui/More'
import { Period } from '../ui/Period'
import { Problem } from '../ui/Problem'
import { periodTime } from '../ui/period'
import { Scroll } from '../ui/Scroll'
import { SearchInput } from '../ui/SearchInput'
import { Section } from '../ui/Section'
import { AuditRow } from './AuditRow'
import { operationChoices } from './operations'

type Props = {
  /** Of this connection alone; its column and filter are left out then. */
  connectionId?: string
}

/** Entries of the audit log, the newest first, with filters that live in the address, and their export. */
export function AuditList({ connectionId }: Props) {
  const { values, set, any } = useFilters(
    'operation',
    'connection_id',
    'job_execution_id',
    'performed_by',
    'since',
    'until',
  )
  const connections = useConnections()
  const asked = () => ({
    operation: values.operation,
    connection_id: connectionId ?? values.connection_id,
    job_execution_id: values.job_execution_id,
    performed_by: values.performed_by,
    since: periodTime(values.since),
    until: periodTime(values.until),
  })
  const entries = usePages(['audit', 'list', connectionId, values], (cursor) =>
    read(api.GET('/api/audit', { params: { query: { ...asked(), cursor } } })),
  )
  const clear = () =>
    set({ operation: null, connection_id: null, job_execution_id: null, performed_by: null, since: null, until: null })

  return (
    <Stack gap="sm">
      <Group gap="xs" align="flex-end">
        <Select
          label="Operation"
          size="xs"
          w={180}
          placeholder="Any"
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'Any operation' }}
          data={operationChoices(connectionId !== undefined, values.operation)}
          value={values.operation ?? null}
          onChange={(operation) => set({ operation })}
        />
        {connectionId === undefined && (
          <Select
            label="Connection"
            size="xs"
            w={180}
            placeholder="Any"
            searchable
            clearable
            clearButtonProps={{ 'aria-label': 'Any connection' }}
            data={(connections.data ?? []).map(({ id, name }) => ({ value: id, label: name }))}
            value={values.connection_id ?? null}
            onChange={(id) => set({ connection_id: id })}
          />
        )}
        <SearchInput
          label="User"
          size="xs"
          w={130}
          placeholder="Anybody"
          value={values.performed_by}
          onChange={(user) => set({ performed_by: user })}
        />
        <Period since={values.since} until={values.until} onChange={set} />
        {values.job_execution_id && <Badge variant="light">of one execution</Badge>}
        <Exports path="/api/audit/export" query={asked()} />
        {any && (
          <Button variant="subtle" size="xs" onClick={clear}>
            Clear filters
          </Button>
        )}
      </Group>
      <Section flush>
        {entries.isPending ? (
          <Loading />
        ) : entries.error && entries.items.length === 0 ? (
          <Problem error={entries.error} retry={() => void entries.refetch()} />
        ) : entries.items.length === 0 ? (
          <Empty title={any ? 'No entry fits these filters' : 'Nothing has happened yet'}>
            {any
              ? 'Names of users are matched as a whole.'
              : 'Each session, each file and each change leaves an entry here.'}
          </Empty>
        ) : (
          <>
            <Scroll label="Audit log" minWidth={0}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th w={36}>
                    <VisuallyHidden>Details</VisuallyHidden>
                  </Table.Th>
                  <Table.Th>When</Table.Th>
                  <Table.Th visibleFrom="sm">Operation</Table.Th>
                  {connectionId === undefined && <Table.Th visibleFrom="sm">Connection</Table.Th>}
                  <Table.Th visibleFrom="sm">By</Table.Th>
                  <Table.Th>What</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {entries.items.map((entry) => (
                  <AuditRow
                    key={entry.id}
                    entry={entry}
                    connection={
                      connectionId === undefined ? { name: nameOf(connections.data, entry.connection_id) } : undefined
                    }
                  />
                ))}
              </Table.Tbody>
            </Scroll>
            <More pages={entries} />
          </>
        )}
      </Section>
      {entries.items.length > 0 && (
        <Text size="xs" c="dimmed">
          The newest come first. Seals of the log are shown where the operation “Audit sealed” is asked for.
        </Text>
      )}
    </Stack>
  )
}
