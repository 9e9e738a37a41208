import { ActionIcon, Badge, Button, Group, Menu, Table, Text, VisuallyHidden } from '@mantine/core'
import { EllipsisVertical, UserPlus } from 'lucide-react'
import { useState } from 'react'
import { api, read } from '../api/client'
import { usePages } from '../api/pages'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Only, useMe } from '../auth/session'
import { words } from '../ui/format'
import { Loading } from '../ui/Loading'
import { More } from '../ui/More'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { Scroll } from '../ui/Scroll'
import { Section } from '../ui/Section'
import { Time } from '../ui/Time'
import { AddUser } from './AddUser'
import { ChangeRole, DeleteUser, NewPassword } from './dialogs'

type User = schemas['User']
type Asked = { what: 'role' | 'password' | 'delete'; user: User }

/** Who may log in, and what they may do. */
export default function UsersPage() {
  const users = usePages(['users'], (cursor) => read(api.GET('/api/users', { params: { query: { cursor } } })))
  const [adding, setAdding] = useState(false)
  const [asked, setAsked] = useState<Asked>()
  const close = () => setAsked(undefined)
  const user = asked?.user
  return (
    <Page
      title="Users"
      about="Who may log in here, and what they may do. Scripts use API tokens."
      actions={
        <Only role="admin">
          <Button leftSection={<UserPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
            Add a user
          </Button>
        </Only>
      }
    >
      <AddUser opened={adding} onClose={() => setAdding(false)} />
      {user && asked.what === 'role' && <ChangeRole user={user} onClose={close} />}
      {user && asked.what === 'password' && <NewPassword user={user} onClose={close} />}
      {user && asked.what === 'delete' && <DeleteUser user={user} onClose={close} />}
      {users.isPending ? (
        <Loading />
      ) : users.error && users.items.length === 0 ? (
        <Problem error={users.error} retry={() => void users.refetch()} />
      ) : (
        <Section flush>
          <Scroll label="Users" minWidth={340}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Name</Table.Th>
                <Table.Th>Role</Table.Th>
                <Table.Th visibleFrom="sm">Last login</Table.Th>
                <Table.Th visibleFrom="md">Added</Table.Th>
                <Table.Th>
                  <VisuallyHidden>Actions</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {users.items.map((one) => (
                <Row key={one.id} user={one} ask={(what) => setAsked({ what, user: one })} />
              ))}
            </Table.Tbody>
          </Scroll>
          <More pages={users} />
        </Section>
      )}
    </Page>
  )
}

function Row({ user, ask }: { user: User; ask: (what: Asked['what']) => void }) {
  const me = useMe()
  const path = { params: { path: { id: user.id } } }
  const disable = useAction({
    run: (disabled: boolean) => read(api.PATCH('/api/users/{id}', { ...path, body: { disabled } })),
    changes: [['users']],
    done: (changed) =>
      changed.disabled ? `${changed.username} can’t log in any more.` : `${changed.username} may log in again.`,
  })
  const own = me.id === user.id
  return (
    <Table.Tr>
      <Table.Td>
        <Group gap="xs">
          <Text size="sm" fw={500}>
            {user.username}
          </Text>
          {own && (
            <Badge variant="light" color="gray">
              You
            </Badge>
          )}
          {user.disabled && (
            <Badge variant="light" color="orange">
              Disabled
            </Badge>
          )}
        </Group>
      </Table.Td>
      <Table.Td>{words(user.role)}</Table.Td>
      <Table.Td visibleFrom="sm">
        <Time at={user.last_login_at} as="ago" none="Never" />
      </Table.Td>
      <Table.Td visibleFrom="md">
        <Time at={user.created_at} />
      </Table.Td>
      <Table.Td ta="right">
        <Only role="admin">
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={`Change ${user.username}`}
                loading={disable.isPending}
              >
                <EllipsisVertical size={16} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={() => ask('role')}>Change the role…</Menu.Item>
              <Menu.Item onClick={() => ask('password')}>Set a new password…</Menu.Item>
              <Menu.Item onClick={() => disable.mutate(!user.disabled)}>
                {user.disabled ? 'Enable' : 'Disable'}
              </Menu.Item>
              <Menu.Divider />
              <Menu.Item color="red" onClick={() => ask('delete')}>
                Delete…
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        </Only>
      </Table.Td>
    </Table.Tr>
  )
}
