import { Anchor, Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import { api, read } from '../api/client'
import { useConnections } from '../api/lists'
import type { schemas } from '../api/types'
import { Only } from '../auth/session'
import { RevokeKey } from '../connections/keys/RevokeKey'
import { TryKey } from '../connections/keys/TryKey'
import { Empty } from '../ui/Empty'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { Time } from '../ui/Time'
import { useFirst } from '../ui/useFirst'
import { GiveKey } from './GiveKey'

/** The connections that use a key, and how far its replacement, or that of the one before, is on each. */
export function KeyUses({ sshKey }: { sshKey: schemas['SshKey'] }) {
  const connections = useConnections()
  const used = sshKey.used_by ?? []
  // Each is asked for its keys.
  const { first, more } = useFirst(connections.data?.filter(({ id }) => used.includes(id)) ?? [], 20)
  return (
    <Section title="Connections">
      {connections.error && <Problem error={connections.error} retry={() => void connections.refetch()} />}
      {connections.isPending && <Loading />}
      {used.length === 0 && (
        <Empty title="No connection uses it">Give it to one, or delete it where nobody needs it any more.</Empty>
      )}
      <Stack gap="md">
        {first.map((connection) => (
          <Use key={connection.id} sshKey={sshKey} connection={connection} />
        ))}
        {more}
        {sshKey.status === 'active' && (
          <Only role="operator">
            <GiveKey sshKey={sshKey} />
          </Only>
        )}
      </Stack>
    </Section>
  )
}

function Use({ sshKey, connection }: { sshKey: schemas['SshKey']; connection: schemas['Connection'] }) {
  const [revoking, setRevoking] = useState<{ id: string; name: string }>()
  const keys = useQuery({
    queryKey: ['connections', connection.id, 'keys'],
    queryFn: async () =>
      (await read(api.GET('/api/connections/{id}/keys', { params: { path: { id: connection.id } } }))).items,
  })
  const active = keys.data?.filter((key) => key.status === 'active') ?? []
  const here = active.find((key) => key.id === sshKey.id)
  // They come newest first.
  const newer = active.slice(0, here ? active.indexOf(here) : 0)
  const older = here ? active.slice(active.indexOf(here) + 1) : []
  const works = newer.find((key) => key.last_used_at)
  const revoke = (key: { id: string; name: string }) => (
    <Only role="operator">
      <Button size="xs" variant="light" color="red" onClick={() => setRevoking(key)}>
        Revoke “{key.name}” here
      </Button>
    </Only>
  )
  return (
    <Stack gap={6}>
      <Group gap="xs" justify="space-between">
        <Anchor component={Link} to={`/connections/${connection.id}/keys`} fw={500} size="sm">
          {connection.name}
        </Anchor>
        <Text size="sm">
          {here?.last_used_at ? (
            <>
              Accepted <Time at={here.last_used_at} as="ago" />
            </>
          ) : (
            here && 'Never accepted'
          )}
        </Text>
      </Group>
      {keys.error && <Problem error={keys.error} retry={() => void keys.refetch()} />}
      {works && (
        <Group gap="xs">
          <Text size="sm">The server accepts the newer key “{works.name}”. This one is no longer needed here.</Text>
          {revoke(sshKey)}
        </Group>
      )}
      {!works && newer[0] && (
        <Text size="sm">
          The newer key{' '}
          <Anchor component={Link} to={`/ssh-keys/${newer[0].id}`} inherit underline="always">
            {newer[0].name}
          </Anchor>{' '}
          waits until the partner installs it. Until then this one is used.
        </Text>
      )}
      {here && !here.last_used_at && newer.length === 0 && (
        <>
          <Text size="sm">
            The server hasn’t accepted it yet. Have its public line installed for the user {connection.username}, then
            test.
          </Text>
          <Only role="operator">
            <TryKey connection={connection} name={sshKey.name} />
          </Only>
        </>
      )}
      {here?.last_used_at &&
        older.map((key) => (
          <Group key={key.id} gap="xs">
            <Text size="sm">The older key “{key.name}” is no longer needed here.</Text>
            {revoke(key)}
          </Group>
        ))}
      <RevokeKey connection={connection} revoked={revoking} onClose={() => setRevoking(undefined)} />
    </Stack>
  )
}
