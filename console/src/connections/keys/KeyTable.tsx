import { Anchor, Box, Button, Group, Table, Text } from '@mantine/core'
import { Fragment, useState } from 'react'
import { Link } from 'react-router'
import type { schemas } from '../../api/types'
import type { Login } from '../../ssh-keys/instruction'
import { KeyStatusBadge } from '../../ssh-keys/KeyStatusBadge'
import { keyTypeName } from '../../ssh-keys/keyTypes'
import { PublicLine } from '../../ssh-keys/PublicLine'
import { Exact } from '../../ui/Copy'
import { Scroll } from '../../ui/Scroll'
import { Time } from '../../ui/Time'

type Props = {
  keys: schemas['ConnectionKey'][]
  login: Login
  /** Missing where the user may not. */
  onRevoke: ((key: schemas['ConnectionKey']) => void) | undefined
}

/** All keys of a connection: those that it offers first, then those that were revoked. */
export function KeyTable({ keys, login, onRevoke }: Props) {
  const [open, setOpen] = useState<string>()
  const sorted = [...keys].sort((a, b) => Number(b.status === 'active') - Number(a.status === 'active'))
  return (
    <Scroll label="Keys of the connection" minWidth={560}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th miw={140}>Key</Table.Th>
          <Table.Th>Status</Table.Th>
          <Table.Th>Last used</Table.Th>
          <Table.Th visibleFrom="sm">Added</Table.Th>
          <Table.Th visibleFrom="lg">Fingerprint</Table.Th>
          <Table.Th aria-label="What can be done" />
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {sorted.map((key) => (
          <Fragment key={key.id}>
            <Table.Tr>
              <Table.Td>
                {key.key_status === 'deleted' ? (
                  key.name
                ) : (
                  <Anchor component={Link} to={`/ssh-keys/${key.id}`} size="sm">
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
                  {key.key_status !== 'active' && <KeyStatusBadge status={key.key_status} />}
                </Group>
                {key.revoked_at && (
                  <Text size="xs" c="dimmed" component="div">
                    <Time at={key.revoked_at} as="ago" />
                  </Text>
                )}
              </Table.Td>
              <Table.Td>
                <Time at={key.last_used_at} as="ago" none="Never accepted" />
              </Table.Td>
              <Table.Td visibleFrom="sm">
                <Time at={key.added_at} as="ago" />
                <Text size="xs" c="dimmed">
                  by {key.added_by}
                </Text>
              </Table.Td>
              <Table.Td visibleFrom="lg" maw={260}>
                <Exact text={key.fingerprint} />
              </Table.Td>
              <Table.Td>
                <Group gap="xs" justify="flex-end" wrap="nowrap">
                  <Button
                    size="compact-sm"
                    variant="subtle"
                    aria-expanded={open === key.id}
                    aria-label={`Public line of ${key.name}`}
                    onClick={() => setOpen(open === key.id ? undefined : key.id)}
                  >
                    Public line
                  </Button>
                  {onRevoke && key.status === 'active' && (
                    <Button
                      size="compact-sm"
                      variant="subtle"
                      color="red"
                      aria-label={`Revoke ${key.name}`}
                      onClick={() => onRevoke(key)}
                    >
                      Revoke
                    </Button>
                  )}
                </Group>
              </Table.Td>
            </Table.Tr>
            {open === key.id && (
              <Table.Tr>
                <Table.Td colSpan={6}>
                  <Box p="xs">
                    <PublicLine sshKey={key} login={login} />
                  </Box>
                </Table.Td>
              </Table.Tr>
            )}
          </Fragment>
        ))}
      </Table.Tbody>
    </Scroll>
  )
}
