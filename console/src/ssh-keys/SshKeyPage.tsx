import { Alert, Badge, SimpleGrid, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from 'react-router'
import { api, read } from '../api/client'
import { useConnections } from '../api/lists'
import type { schemas } from '../api/types'
import { Only } from '../auth/session'
import { Fact } from '../ui/Fact'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { Time } from '../ui/Time'
import { KeyActions } from './KeyActions'
import { KeyStatusBadge } from './KeyStatusBadge'
import { KeyUses } from './KeyUses'
import { isWeak, keyTypeName } from './keyTypes'
import { PublicLine } from './PublicLine'

const up = { to: '/ssh-keys', label: 'SSH keys' }

/** One key: how it is installed, who uses it, and how it is replaced. */
export default function SshKeyPage() {
  const { id = '' } = useParams()
  const key = useQuery({
    queryKey: ['ssh-keys', id],
    queryFn: () => read(api.GET('/api/ssh-keys/{id}', { params: { path: { id } } })),
  })
  if (key.data) return <Known key={id} sshKey={key.data} />
  return (
    <Page title="SSH key" up={up}>
      {key.error ? <Problem error={key.error} retry={() => void key.refetch()} /> : <Loading />}
    </Page>
  )
}

function Known({ sshKey }: { sshKey: schemas['SshKey'] }) {
  const connections = useConnections()
  const [only, ...others] = sshKey.used_by ?? []
  const login = others.length === 0 ? connections.data?.find(({ id }) => id === only) : undefined
  return (
    <Page
      title={sshKey.name}
      up={up}
      marks={<KeyStatusBadge status={sshKey.status} />}
      actions={
        <Only role="operator">
          <KeyActions sshKey={sshKey} />
        </Only>
      }
    >
      {isWeak(sshKey.key_type) && (
        <Alert color="orange" title="A weak key">
          RSA below 2048 bits can be broken. Replace it.
        </Alert>
      )}
      <Section title="Public line">
        <PublicLine sshKey={sshKey} login={login} />
      </Section>
      <KeyUses sshKey={sshKey} />
      <Section title="About">
        <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="md">
          <Fact name="Type">
            {keyTypeName(sshKey.key_type)}
            {isWeak(sshKey.key_type) && (
              <Badge color="orange" variant="light" ml={6}>
                Weak
              </Badge>
            )}
          </Fact>
          <Fact name="Last used">
            <Time at={sshKey.last_used_at} as="ago" none="Never" />
          </Fact>
          <Fact name="Made">
            <Time at={sshKey.created_at} />
          </Fact>
          <Fact name="By">{sshKey.created_by}</Fact>
        </SimpleGrid>
        <Stack gap={0} mt="md">
          <Fact name="Notes">{sshKey.notes || 'None.'}</Fact>
        </Stack>
      </Section>
    </Page>
  )
}
