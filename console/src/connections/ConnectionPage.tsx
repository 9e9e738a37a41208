import { Alert, Badge, Button, Stack, Tabs, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { CircleX } from 'lucide-react'
import { type ComponentType, lazy, Suspense } from 'react'
import { Link, useNavigate, useParams } from 'react-router'
import { api, read } from '../api/client'
import { codes, ProblemError } from '../api/problem'
import type { schemas } from '../api/types'
import { Only } from '../auth/session'
import { HealthBadge } from '../ui/badges'
import { counted, protocolName } from '../ui/format'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { Time } from '../ui/Time'
import { ConnectionActions } from './ConnectionActions'
import { HostKeyPanel } from './HostKeyPanel'
import { InsecureBanner } from './InsecureBanner'
import { type Protocol, useProtocol } from './protocols'

type Connection = schemas['Connection']
type Tab = ComponentType<{ connection: Connection }>

const SetupTab = lazy<Tab>(() => import('./SetupTab'))
const KeysTab = lazy<Tab>(() => import('./keys/KeysTab'))
const FoldersTab = lazy<Tab>(() => import('../folder-mappings/FoldersTab'))
const HistoryTab = lazy<Tab>(() => import('../history/HistoryTab'))
const AuditTab = lazy<Tab>(() => import('./audit/AuditTab'))

const up = { to: '/connections', label: 'Connections' }

/** One connection, whatever it is about it that one came for. */
export default function ConnectionPage() {
  const { id = '' } = useParams()
  const connection = useQuery({
    queryKey: ['connections', id],
    queryFn: () => read(api.GET('/api/connections/{id}', { params: { path: { id } } })),
  })
  const gone = connection.error instanceof ProblemError && connection.error.code === codes.notFound
  if (connection.data && !gone) return <Known key={id} connection={connection.data} />
  return (
    <Page title="Connection" up={up}>
      {connection.error ? <Problem error={connection.error} retry={() => void connection.refetch()} /> : <Loading />}
    </Page>
  )
}

const tabs: { value: string; title: string; Tab: Tab; has: (protocol: Protocol) => boolean }[] = [
  { value: 'setup', title: 'Setup', Tab: SetupTab, has: () => true },
  {
    value: 'keys',
    title: 'Keys',
    Tab: KeysTab,
    has: ({ auth_methods }) => auth_methods.includes('ssh_key'),
  },
  { value: 'folders', title: 'Folders', Tab: FoldersTab, has: ({ moves_files }) => moves_files },
  { value: 'history', title: 'History', Tab: HistoryTab, has: ({ moves_files }) => moves_files },
  { value: 'audit', title: 'Audit', Tab: AuditTab, has: () => true },
]

function Known({ connection }: { connection: Connection }) {
  return (
    <Page
      title={connection.name}
      up={up}
      marks={<Marks connection={connection} />}
      about={<Where connection={connection} />}
      actions={
        <Only role="operator">
          <ConnectionActions connection={connection} />
        </Only>
      }
    >
      <Content connection={connection} />
    </Page>
  )
}

function Content({ connection }: { connection: Connection }) {
  const { tab = 'setup' } = useParams()
  const navigate = useNavigate()
  const protocol = useProtocol(connection.protocol)
  const shown = tabs.filter(({ has }) => !protocol || has(protocol))
  return (
    <>
      <InsecureBanner connection={connection} />
      <HostKeyPanel connection={connection} />
      <Failing connection={connection} tab={tab} />
      <Tabs
        value={tab}
        onChange={(to) => void navigate(`/connections/${connection.id}/${to}`)}
        keepMounted={false}
        activateTabWithKeyboard={false}
      >
        <Tabs.List>
          {shown.map(({ value, title }) => (
            <Tabs.Tab key={value} value={value} px={{ base: 'xs', sm: 'md' }}>
              {title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Suspense fallback={<Loading />}>
          {shown.map(({ value, Tab }) => (
            <Tabs.Panel key={value} value={value} pt="md">
              <Tab connection={connection} />
            </Tabs.Panel>
          ))}
        </Suspense>
      </Tabs>
    </>
  )
}

function Marks({ connection }: { connection: Connection }) {
  return (
    <>
      <HealthBadge health={connection.health} detail={connection.health_detail} />
      {connection.status === 'disabled' && (
        <Badge color="gray" variant="filled">
          Disabled
        </Badge>
      )}
      {connection.warnings.length > 0 && (
        <Badge
          component={Link}
          to={`/connections/${connection.id}/setup`}
          color="orange"
          variant="light"
          style={{ cursor: 'pointer' }}
        >
          {counted(connection.warnings.length, 'warning')}
        </Badge>
      )}
    </>
  )
}

/** `SFTP · root@sftp.example.com:22 · last connected 3 min ago`. */
function Where({ connection }: { connection: Connection }) {
  const { host, port, username } = connection
  const server = host && `${username ? `${username}@` : ''}${host}${port ? `:${port}` : ''}`
  return (
    <>
      {[protocolName(connection.protocol), server, connection.base_path].filter(Boolean).join(' · ')}
      {connection.last_ok_at && (
        <>
          {' · last connected '}
          <Time at={connection.last_ok_at} as="ago" />
        </>
      )}
    </>
  )
}

/** Why it doesn’t work, on each tab; a host key that waits has its own panel. */
function Failing({ connection, tab }: { connection: Connection; tab: string }) {
  const waits = connection.health === 'requires_attention' && connection.protocol !== 'sftp'
  if (connection.health !== 'failing' && !waits) return null
  return (
    <Alert color="red" icon={<CircleX size={20} aria-hidden />} title="The last attempt to connect failed">
      <Stack gap="xs" align="flex-start">
        {connection.health_detail && (
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
            {connection.health_detail}
          </Text>
        )}
        {tab !== 'setup' && (
          <Button component={Link} to={`/connections/${connection.id}/setup`} variant="default" size="xs">
            To the setup, to test it
          </Button>
        )}
      </Stack>
    </Alert>
  )
}
