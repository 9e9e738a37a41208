import { Anchor, Button, Group, Switch, Table, Text } from '@mantine/core'
import { Play } from 'lucide-react'
import { Link } from 'react-router'
import { useStorages } from '../api/lists'
import type { schemas } from '../api/types'
import { useMay } from '../auth/session'
import { HealthBadge } from '../ui/badges'
import { Scroll } from '../ui/Scroll'
import { Time } from '../ui/Time'
import { timingWords } from './timing'
import { useMappingActions } from './useMappingActions'

/** The folder mappings of a connection, with how each fares. */
export function MappingTable({ mappings }: { mappings: schemas['FolderMapping'][] }) {
  const may = useMay('operator')
  const storages = useStorages()
  const { run, enable } = useMappingActions()
  const storage = (id: string) => storages.data?.find((storage) => storage.id === id)?.name ?? '…'
  return (
    <Scroll label="Folder mappings" minWidth={780}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th miw={160}>Folder</Table.Th>
          <Table.Th>Health</Table.Th>
          <Table.Th miw={110}>Last pull</Table.Th>
          <Table.Th miw={110}>Next pull</Table.Th>
          <Table.Th visibleFrom="md">Destination</Table.Th>
          <Table.Th miw={140}>Pulls by itself</Table.Th>
          {may && <Table.Th aria-label="What can be done" />}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {mappings.map((mapping) => (
          <Table.Tr key={mapping.id}>
            <Table.Td>
              <Anchor component={Link} to={`?mapping=${mapping.id}`} size="sm" fw={500}>
                {mapping.name}
              </Anchor>
              <Text size="xs" c="dimmed">
                {mapping.remote_path} · {mapping.pattern} · {timingWords(mapping)}
              </Text>
            </Table.Td>
            <Table.Td>
              <HealthBadge health={mapping.health} detail={mapping.health_detail} />
            </Table.Td>
            <Table.Td>
              <Time at={mapping.last_run_at} as="ago" none="Never" />
              <br />
              <Anchor
                component={Link}
                to={`/connections/${mapping.connection_id}/history?mapping=${mapping.id}`}
                size="xs"
                aria-label={`History of ${mapping.name}`}
              >
                History
              </Anchor>
            </Table.Td>
            <Table.Td>
              <Time at={mapping.next_run_at} as="ago" none={mapping.enabled ? 'Waits' : '–'} />
            </Table.Td>
            <Table.Td visibleFrom="md">{storage(mapping.storage_id)}</Table.Td>
            <Table.Td>
              {may ? (
                <Switch
                  aria-label={`${mapping.name} pulls by itself`}
                  checked={mapping.enabled}
                  onChange={(event) => enable.mutate({ mapping, enabled: event.currentTarget.checked })}
                  disabled={enable.isPending}
                />
              ) : mapping.enabled ? (
                'Yes'
              ) : (
                'No'
              )}
            </Table.Td>
            {may && (
              <Table.Td>
                <Group justify="flex-end">
                  <Button
                    size="compact-sm"
                    variant="light"
                    leftSection={<Play size={14} aria-hidden />}
                    aria-label={`Run now: ${mapping.name}`}
                    loading={run.isPending && run.variables?.id === mapping.id}
                    onClick={() => run.mutate(mapping)}
                  >
                    Run now
                  </Button>
                </Group>
              </Table.Td>
            )}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Scroll>
  )
}
