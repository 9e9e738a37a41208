import { Alert, List, Stack } from '@mantine/core'
import { useEffect, useState } from 'react'
import { useLocation, useNavigate } from 'react-router'
import type { schemas } from '../api/types'
import { useMay } from '../auth/session'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { ConnectionFacts } from './ConnectionFacts'
import { ConnectionForm } from './form/ConnectionForm'
import { draftOf } from './form/draft'
import { KnownHosts } from './KnownHosts'
import { useProtocols } from './protocols'
import { ServerCertificate } from './ServerCertificate'
import { insecureTrust } from './trust'

/** How a connection is set up: to change for those who may, to read for others. */
export default function SetupTab({ connection }: { connection: schemas['Connection'] }) {
  const may = useMay('operator')
  const protocols = useProtocols()
  const { pathname, state } = useLocation()
  const navigate = useNavigate()
  const [testAtOnce] = useState(() => isTested(state))
  // Only this once: not when the page is loaded again, nor on the way back to it.
  useEffect(() => {
    if (isTested(state)) void navigate(pathname, { replace: true })
  }, [state, pathname, navigate])
  const protocol = protocols.data?.find(({ name }) => name === connection.protocol)
  // That nobody checks the server is said above, on every tab.
  const warnings = insecureTrust(connection)
    ? connection.warnings.filter((warning) => !warning.includes('verification disabled'))
    : connection.warnings
  // Once there is a form, nothing that is read again takes it away with what is typed there.
  if (!protocols.data) {
    return protocols.error ? <Problem error={protocols.error} retry={() => void protocols.refetch()} /> : <Loading />
  }
  return (
    <Stack gap="md">
      {warnings.length > 0 && (
        <Alert color="orange" title="Insecure or weak about this connection">
          <List size="sm" spacing={4}>
            {warnings.map((warning) => (
              <List.Item key={warning}>{warning}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      {may && protocol ? (
        <ConnectionForm
          key={connection.id}
          protocols={protocols.data}
          first={draftOf(connection, protocol)}
          connection={connection}
          testAtOnce={testAtOnce}
        />
      ) : (
        <ConnectionFacts connection={connection} protocol={protocol} />
      )}
      {connection.protocol === 'sftp' && (
        <Section title="Trusted host keys" about="The keys by which the server proves that it is the partner’s.">
          <KnownHosts connection={connection} />
        </Section>
      )}
      {connection.server_certificate && <ServerCertificate certificate={connection.server_certificate} />}
    </Stack>
  )
}

/** Was the connection tested before it was saved, just now? Then the first test of the saved one needs no asking. */
const isTested = (state: unknown) => typeof state === 'object' && state !== null && Reflect.get(state, 'test') === true
