import { Anchor, Button, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { KeyRound } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { api, read } from '../../api/client'
import type { schemas } from '../../api/types'
import { Only, useMay } from '../../auth/session'
import { Empty } from '../../ui/Empty'
import { protocolName } from '../../ui/format'
import { Loading } from '../../ui/Loading'
import { Problem } from '../../ui/Problem'
import { Section } from '../../ui/Section'
import { AddKey } from './AddKey'
import { KeyGuide } from './KeyGuide'
import { KeyTable } from './KeyTable'
import { RevokeKey } from './RevokeKey'

/** The SSH keys that a connection logs in with. */
export default function KeysTab({ connection }: { connection: schemas['Connection'] }) {
  if (connection.protocol !== 'sftp') {
    return (
      <Section>
        <Empty title="No SSH keys here">
          {protocolName(connection.protocol)} knows no SSH keys. How this connection logs in is set on the tab{' '}
          <Anchor component={Link} to={`/connections/${connection.id}`} inherit underline="always">
            Setup
          </Anchor>
          .
        </Empty>
      </Section>
    )
  }
  return <Keys connection={connection} />
}

function Keys({ connection }: { connection: schemas['Connection'] }) {
  const [adding, setAdding] = useState<'generate' | 'existing'>()
  const [revoking, setRevoking] = useState<schemas['ConnectionKey']>()
  const may = useMay('operator')
  const keys = useQuery({
    queryKey: ['connections', connection.id, 'keys'],
    queryFn: async () =>
      (await read(api.GET('/api/connections/{id}/keys', { params: { path: { id: connection.id } } }))).items,
  })
  if (keys.error && !keys.data) return <Problem error={keys.error} retry={() => void keys.refetch()} />
  if (!keys.data) return <Loading />
  const active = keys.data.filter((key) => key.status === 'active')
  const { auth_method } = connection
  const without =
    auth_method === 'password'
      ? 'by password'
      : auth_method === 'none'
        ? 'with neither a key nor a password'
        : undefined
  const generate = (
    <Button leftSection={<KeyRound size={16} aria-hidden />} onClick={() => setAdding('generate')}>
      Generate a key
    </Button>
  )
  const existing = (
    <Button variant="default" onClick={() => setAdding('existing')}>
      Add an existing key
    </Button>
  )
  return (
    <Stack gap="md">
      {active.length > 0 && <KeyGuide connection={connection} keys={active} onRevoke={may ? setRevoking : undefined} />}
      <Section
        title="Keys"
        about="Each session offers them, the newest first, until the server accepts one."
        flush={keys.data.length > 0}
        actions={
          keys.data.length > 0 && (
            <Only role="operator">
              {existing}
              {generate}
            </Only>
          )
        }
      >
        {keys.data.length === 0 ? (
          <Empty
            title="No key yet"
            action={
              <Only role="operator">
                {generate}
                {existing}
              </Only>
            }
          >
            A key is safer than a password: nothing secret goes over the line, and it is replaced without a failed
            login.
          </Empty>
        ) : (
          <KeyTable keys={keys.data} onRevoke={may ? setRevoking : undefined} login={connection} />
        )}
      </Section>
      {without && active.length > 0 && (
        <Text size="sm">
          This connection logs in {without}: its keys aren’t offered. Choose another way to log in on the tab{' '}
          <Anchor component={Link} to={`/connections/${connection.id}`} inherit underline="always">
            Setup
          </Anchor>
          .
        </Text>
      )}
      <AddKey
        connection={connection}
        has={active.map((key) => key.id)}
        how={adding}
        onClose={() => setAdding(undefined)}
      />
      <RevokeKey connection={connection} revoked={revoking} onClose={() => setRevoking(undefined)} />
    </Stack>
  )
}
