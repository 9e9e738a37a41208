import { Anchor, Badge, Group, Stack, Table, Text, Tooltip } from '@mantine/core'
import { ShieldOff, TriangleAlert } from 'lucide-react'
import { Link } from 'react-router'
import type { schemas } from '../api/types'
import { HealthBadge } from '../ui/badges'
import { counted, protocolName } from '../ui/format'
import { Scroll } from '../ui/Scroll'
import { Time } from '../ui/Time'
import { insecureTrust } from './trust'

type Connection = schemas['Connection']

/** Connections below each other: how each fares, and why. */
export function ConnectionTable({ connections, label }: { connections: Connection[]; label: string }) {
  return (
    <Scroll label={`Connections: ${label}`} minWidth={320}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Name</Table.Th>
          <Table.Th visibleFrom="xs" w={130}>
            Protocol
          </Table.Th>
          <Table.Th visibleFrom="md" w={240}>
            Server
          </Table.Th>
          <Table.Th w={{ base: 130, md: 280 }}>Health</Table.Th>
          <Table.Th visibleFrom="sm" w={140} style={{ whiteSpace: 'nowrap' }}>
            Last connected
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {connections.map((connection) => (
          <Row key={connection.id} connection={connection} />
        ))}
      </Table.Tbody>
    </Scroll>
  )
}

function Row({ connection }: { connection: Connection }) {
  const { id, name, health, health_detail: detail, host, port, base_path: path } = connection
  const wrong = health === 'failing' || health === 'requires_attention'
  const server = host ? `${host}${port ? `:${port}` : ''}` : path
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap="xs">
          <Anchor component={Link} to={`/connections/${id}`} fw={500}>
            {name}
          </Anchor>
          <Flags connection={connection} />
        </Group>
        <Text size="xs" c="dimmed" hiddenFrom="md">
          {server}
        </Text>
      </Table.Td>
      <Table.Td visibleFrom="xs" fz="sm">
        {protocolName(connection.protocol)}
      </Table.Td>
      <Table.Td visibleFrom="md" fz="sm">
        {server}
      </Table.Td>
      <Table.Td>
        <Stack gap={2} align="flex-start">
          <HealthBadge health={health} detail={wrong ? undefined : detail} />
          {wrong && detail && (
            <Text size="xs" lineClamp={3} title={detail}>
              {detail}
            </Text>
          )}
        </Stack>
      </Table.Td>
      <Table.Td visibleFrom="sm" fz="sm">
        <Time at={connection.last_ok_at} as="ago" none="Never" />
      </Table.Td>
    </Table.Tr>
  )
}

function Flags({ connection }: { connection: Connection }) {
  const insecure = insecureTrust(connection)
  const { warnings } = connection
  return (
    <>
      {connection.status === 'disabled' && (
        <Badge color="gray" variant="filled" size="sm">
          Disabled
        </Badge>
      )}
      {insecure && (
        <Tooltip label={`Nobody checks the ${insecure} of this server.`}>
          <Badge color="red" variant="filled" size="sm" leftSection={<ShieldOff size={12} aria-hidden />}>
            Insecure
          </Badge>
        </Tooltip>
      )}
      {!insecure && warnings.length > 0 && (
        <Tooltip label={warnings.join(' ')} multiline maw={420} events={{ hover: true, focus: true, touch: true }}>
          <Group
            component="span"
            gap={2}
            wrap="nowrap"
            tabIndex={0}
            role="img"
            aria-label={counted(warnings.length, 'warning')}
          >
            <TriangleAlert size={14} color="var(--mantine-color-orange-text)" aria-hidden />
          </Group>
        </Tooltip>
      )}
    </>
  )
}
