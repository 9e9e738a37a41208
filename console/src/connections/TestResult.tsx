import { Alert, Badge, Button, Group, List, Stack, Table, Text, ThemeIcon } from '@mantine/core'
import { Check, CircleCheck, CircleX, X } from 'lucide-react'
import type { ReactNode } from 'react'
import type { schemas } from '../api/types'
import { Exact } from '../ui/Copy'
import { words } from '../ui/format'
import { Section } from '../ui/Section'
import { Time } from '../ui/Time'
import { duration } from '../ui/time'
import { causeOf } from './causes'
import { TestAlgorithms } from './TestAlgorithms'

type Props = {
  result: schemas['TestResult']
  /** In a form: was it of what stood there before? */
  outdated?: boolean
  /** Whether what it shows is what is trusted already. */
  trusted?: string | null | undefined
  /** How it logs in, where that is known. */
  authMethod?: schemas['AuthMethod'] | undefined
  /** In a form: takes the certificate as the one that is accepted. */
  onPinCertificate?: ((thumbprint: string) => void) | undefined
  /** In a form: what it accepts already, by its fingerprint or thumbprint. */
  accepted?: unknown
  /** In a form: takes the host key as the one that is accepted. */
  onPinHostKey?: ((fingerprint: string) => void) | undefined
}

/** What a test found out, in full: whether it works and else why and what helps, and who the server is. */
export function TestResult(props: Props) {
  const { result, outdated, trusted, authMethod, accepted, onPinCertificate, onPinHostKey } = props
  return (
    <Section title="Test result">
      <Stack gap="md">
        {outdated && (
          <Text size="sm" role="status">
            You have changed something since this test.
          </Text>
        )}
        <Verdict result={result} authMethod={authMethod} />
        {(result.checks ?? []).length > 0 && <Checks checks={result.checks ?? []} />}
        {(result.warnings ?? []).length > 0 && (
          <Alert color="orange" title="Be aware">
            <List size="sm" spacing={4}>
              {result.warnings?.map((warning) => (
                <List.Item key={warning}>{warning}</List.Item>
              ))}
            </List>
          </Alert>
        )}
        <Server result={result} trusted={trusted} accepted={accepted} onPinHostKey={onPinHostKey} />
        {result.tls_certificate && (
          <Certificate certificate={result.tls_certificate} accepted={accepted} onPin={onPinCertificate} />
        )}
        {result.algorithms && <TestAlgorithms algorithms={result.algorithms} weak={result.weak_algorithms ?? []} />}
        {result.capabilities && <Can capabilities={result.capabilities} />}
      </Stack>
    </Section>
  )
}

function Verdict({ result, authMethod }: Pick<Props, 'result' | 'authMethod'>) {
  if (result.success) {
    return (
      <Alert color="green" icon={<CircleCheck size={20} aria-hidden />} title="It works" role="status">
        {result.capabilities
          ? 'Connected, logged in and listed the base folder'
          : 'Everything that was looked at is in order'}
        {result.latency_ms != null && `; a round trip takes ${duration(result.latency_ms)}`}.
      </Alert>
    )
  }
  const cause = causeOf(result.error_code, authMethod)
  return (
    <Alert
      color="red"
      icon={<CircleX size={20} aria-hidden />}
      title={
        <Text span size="lg" fw={700}>
          {cause.title}
        </Text>
      }
      role="alert"
    >
      <Stack gap="xs">
        {result.error_message && (
          <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
            {result.error_message}
          </Text>
        )}
        {cause.helps.length > 0 && (
          <div>
            <Text size="sm" fw={600}>
              What helps
            </Text>
            <List size="sm" spacing={2}>
              {cause.helps.map((help) => (
                <List.Item key={help}>{help}</List.Item>
              ))}
            </List>
          </div>
        )}
        {result.error_code && (
          <Text size="xs" c="inherit">
            Error {result.error_code}
          </Text>
        )}
      </Stack>
    </Alert>
  )
}

const checkNames: Record<string, string> = {
  host: 'Function app',
  token: 'Service principal',
  workspace: 'Log Analytics workspace',
}

function Checks({ checks }: { checks: schemas['TestCheck'][] }) {
  return (
    <Stack gap="xs">
      {checks.map((check) => (
        <Group key={check.name} gap="sm" wrap="nowrap" align="flex-start">
          <Yes yes={check.success} label={check.success ? 'In order' : 'Wrong'} />
          <div>
            <Text size="sm" fw={600}>
              {checkNames[check.name] ?? words(check.name)}
            </Text>
            <Text size="sm">{check.message}</Text>
          </div>
        </Group>
      ))}
    </Stack>
  )
}

function Yes({ yes, label }: { yes: boolean; label: string }) {
  return (
    <ThemeIcon color={yes ? 'green' : 'red'} variant="light" size="sm" radius="xl" aria-label={label} role="img">
      {yes ? <Check size={14} /> : <X size={14} />}
    </ThemeIcon>
  )
}

/** Facts by name, below each other. */
function Known({ rows }: { rows: [string, ReactNode][] }) {
  return (
    <Table verticalSpacing={4} withRowBorders={false} layout="auto">
      <Table.Tbody>
        {rows.map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th scope="row" w={110} fw={500} fz="sm" pl={0} style={{ verticalAlign: 'top' }}>
              {name}
            </Table.Th>
            <Table.Td fz="sm" pr={0}>
              {value}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}

/** What is said once the form accepts what the test showed. */
const Accepted = ({ what }: { what: string }) => (
  <Text size="sm" role="status">
    The form accepts this {what} now. Test again, and save.
  </Text>
)

type ServerProps = Pick<Props, 'result' | 'trusted' | 'accepted' | 'onPinHostKey'>

function Server({ result, trusted, accepted, onPinHostKey }: ServerProps) {
  const rows: [string, ReactNode][] = []
  if (result.server_banner) rows.push(['Server', result.server_banner])
  const fingerprint = result.host_key_fingerprint
  if (fingerprint) {
    rows.push([
      'Host key',
      <Stack key="fingerprint" gap={4} align="flex-start">
        <Exact text={fingerprint} />
        {trusted === fingerprint && (
          <Badge color="green" variant="light">
            The one that is trusted
          </Badge>
        )}
        {onPinHostKey && accepted === fingerprint && trusted !== fingerprint && <Accepted what="host key" />}
        {onPinHostKey && accepted !== fingerprint && (
          <Button size="compact-sm" variant="light" onClick={() => onPinHostKey(fingerprint)}>
            Accept this host key
          </Button>
        )}
      </Stack>,
    ])
  }
  if (result.negotiated) rows.push(['Agreed on', result.negotiated])
  return rows.length > 0 ? <Known rows={rows} /> : null
}

type CertificateProps = {
  certificate: schemas['TlsCertificate']
  accepted: unknown
  onPin: ((thumbprint: string) => void) | undefined
}

function Certificate({ certificate, accepted, onPin }: CertificateProps) {
  const wrong = certificate.policy_errors !== 'None'
  return (
    <div>
      <Text fw={600} size="sm">
        Certificate
      </Text>
      <Known
        rows={[
          ['For', certificate.subject],
          ['Signed by', certificate.issuer],
          ['Ends', <Time key="ends" at={certificate.not_after} />],
          ['Thumbprint', <Exact key="thumbprint" text={certificate.thumbprint_sha256} />],
          [
            'Trust',
            wrong ? (
              <Text key="trust" size="sm" fw={600}>
                {certificate.policy_errors}
              </Text>
            ) : (
              'This machine’s trust store vouches for it.'
            ),
          ],
        ]}
      />
      {onPin && accepted === certificate.thumbprint_sha256 && wrong && <Accepted what="certificate" />}
      {onPin && accepted !== certificate.thumbprint_sha256 && (
        <Stack gap={4} align="flex-start" mt="xs">
          <Button size="xs" variant="light" onClick={() => onPin(certificate.thumbprint_sha256)}>
            Accept only this certificate
          </Button>
          <Text size="xs" c="dimmed">
            Compare the thumbprint with the server’s operator first, by another way than this one.
          </Text>
        </Stack>
      )}
    </div>
  )
}

const abilities: [keyof schemas['Capabilities'], string][] = [
  ['resume_download', 'Downloads go on where they stopped'],
  ['resume_upload', 'Uploads go on where they stopped'],
  ['atomic_replace', 'A rename replaces the target in one step'],
  ['set_times', 'Times of files can be set'],
  ['checksum', 'The server computes checksums'],
  ['permissions', 'Listings show permissions'],
]

function Can({ capabilities }: { capabilities: schemas['Capabilities'] }) {
  return (
    <div>
      <Text fw={600} size="sm" mb={4}>
        What it can do
      </Text>
      <Stack gap={4}>
        {abilities.map(([name, text]) => (
          <Group key={name} gap="xs" wrap="nowrap">
            {capabilities[name] ? (
              <Yes yes label="Yes" />
            ) : (
              <ThemeIcon color="gray" variant="light" size="sm" radius="xl" aria-label="No" role="img">
                <X size={14} />
              </ThemeIcon>
            )}
            <Text size="sm">{text}</Text>
          </Group>
        ))}
        <Text size="sm">Operations at once in a session: {capabilities.concurrency}</Text>
      </Stack>
    </div>
  )
}
