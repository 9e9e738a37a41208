import { Badge, Button, Table, Text, VisuallyHidden } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Plus } from 'lucide-react'
import { useState } from 'react'
import { api, read } from '../api/client'
import { all, usePages } from '../api/pages'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { useMay, useMe } from '../auth/session'
import { Confirm } from '../ui/Confirm'
import { Empty } from '../ui/Empty'
import { words } from '../ui/format'
import { Loading } from '../ui/Loading'
import { More } from '../ui/More'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { Scroll } from '../ui/Scroll'
import { Section } from '../ui/Section'
import { Time } from '../ui/Time'
import { NewToken } from './NewToken'
import { scopeWords } from './scopes'

type Token = schemas['Token']

/** What scripts use instead of passwords: one's own tokens, and for admins everybody's. */
export default function TokensPage() {
  const admin = useMay('admin')
  const [making, setMaking] = useState(false)
  const [ending, setEnding] = useState<Token>()
  const tokens = usePages(['tokens'], (cursor) => read(api.GET('/api/tokens', { params: { query: { cursor } } })))
  const owners = useOwners(admin)
  const make = (
    <Button leftSection={<Plus size={16} aria-hidden />} onClick={() => setMaking(true)}>
      New token
    </Button>
  )
  return (
    <Page
      title="API tokens"
      about={
        admin
          ? 'What scripts use instead of passwords. You see the tokens of all users.'
          : 'What scripts use instead of your password.'
      }
      actions={tokens.items.length > 0 && make}
    >
      <NewToken opened={making} onClose={() => setMaking(false)} />
      {ending && <DeleteToken token={ending} onClose={() => setEnding(undefined)} />}
      {tokens.isPending ? (
        <Loading />
      ) : tokens.error && tokens.items.length === 0 ? (
        <Problem error={tokens.error} retry={() => void tokens.refetch()} />
      ) : tokens.items.length === 0 ? (
        <Empty title="There is no API token yet" action={make}>
          A token lets a script or the command line do what you may, or less than that, until it ends or is deleted.
        </Empty>
      ) : (
        <Section flush>
          <Scroll label="API tokens" minWidth={360}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th miw={110}>Name</Table.Th>
                {admin && <Table.Th visibleFrom="sm">Owner</Table.Th>}
                <Table.Th>May do</Table.Th>
                <Table.Th visibleFrom="md">Last used</Table.Th>
                <Table.Th visibleFrom="sm">Ends</Table.Th>
                <Table.Th>
                  <VisuallyHidden>Actions</VisuallyHidden>
                </Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {tokens.items.map((token) => (
                <Row
                  key={token.id}
                  token={token}
                  owner={admin ? (owners(token.user_id) ?? '…') : undefined}
                  onDelete={() => setEnding(token)}
                />
              ))}
            </Table.Tbody>
          </Scroll>
          <More pages={tokens} />
        </Section>
      )}
    </Page>
  )
}

/** The names of users, by their ids; only admins may read them. */
function useOwners(admin: boolean): (id: string) => string | undefined {
  const me = useMe()
  const users = useQuery({
    queryKey: ['users', 'all'],
    queryFn: () => all((cursor) => read(api.GET('/api/users', { params: { query: { cursor, limit: 200 } } }))),
    enabled: admin,
  })
  return (id) => (id === me.id ? 'You' : users.data?.find((user) => user.id === id)?.username)
}

type RowProps = { token: Token; owner: string | undefined; onDelete: () => void }

function Row({ token, owner, onDelete }: RowProps) {
  const over = token.expires_at != null && Date.parse(token.expires_at) < Date.now()
  return (
    <Table.Tr>
      <Table.Td>
        <Text size="sm" fw={500}>
          {token.name}
        </Text>
        {over && (
          <Badge variant="light" color="red">
            Has ended
          </Badge>
        )}
      </Table.Td>
      {owner && <Table.Td visibleFrom="sm">{owner}</Table.Td>}
      <Table.Td>
        {words(token.role)}
        <Text size="xs" c="dimmed">
          {token.scopes ? token.scopes.map(scopeWords).join(', ') : 'Everything that the role may'}
        </Text>
      </Table.Td>
      <Table.Td visibleFrom="md">
        <Time at={token.last_used_at} as="ago" none="Never" />
      </Table.Td>
      <Table.Td visibleFrom="sm">
        <Time at={token.expires_at} as="ago" none="Never" />
      </Table.Td>
      <Table.Td ta="right">
        <Button variant="subtle" color="red" size="xs" onClick={onDelete} aria-label={`Delete… ${token.name}`}>
          Delete…
        </Button>
      </Table.Td>
    </Table.Tr>
  )
}

function DeleteToken({ token, onClose }: { token: Token; onClose: () => void }) {
  const remove = useAction({
    run: () => read(api.DELETE('/api/tokens/{id}', { params: { path: { id: token.id } } })),
    changes: [['tokens'], ['overview']],
    done: `The token ${token.name} has ended.`,
    onDone: onClose,
  })
  return (
    <Confirm
      opened
      onClose={onClose}
      title={`Delete the token ${token.name}`}
      action="Delete the token"
      typed={token.name}
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
    >
      It ends at once and for good. Scripts that use it are refused from then on.{' '}
      {token.last_used_at ? (
        <>
          It was last used <Time at={token.last_used_at} as="ago" />.
        </>
      ) : (
        'It was never used.'
      )}
    </Confirm>
  )
}
