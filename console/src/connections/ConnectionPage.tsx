import { Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type ComponentType, lazy, Suspense } from 'react'
import { useNavigate, useParams } from 'react-router'
import { api, read } from '../api/client'
import type { schemas } from '../api/types'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'

type Tab = ComponentType<{ connection: schemas['Connection'] }>

const KeysTab = lazy<Tab>(() => import('./keys/KeysTab'))
const FoldersTab = lazy<Tab>(() => import('../folder-mappings/FoldersTab'))
const HistoryTab = lazy<Tab>(() => import('../history/HistoryTab'))
const AuditTab = lazy<Tab>(() => import('./audit/AuditTab'))

/** One connection, whatever it is about it that one came for. */
export default function ConnectionPage() {
  const { id = '' } = useParams()
  const connection = useQuery({
    queryKey: ['connections', id],
    queryFn: () => read(api.GET('/api/connections/{id}', { params: { path: { id } } })),
  })
  const up = { to: '/connections', label: 'Connections' }
  if (connection.data) return <Known connection={connection.data} />
  return (
    <Page title="Connection" up={up}>
      {connection.error ? <Problem error={connection.error} retry={() => void connection.refetch()} /> : <Loading />}
    </Page>
  )
}

function Known({ connection }: { connection: schemas['Connection'] }) {
  const { tab = 'setup' } = useParams()
  const navigate = useNavigate()
  return (
    <Page title={connection.name} up={{ to: '/connections', label: 'Connections' }}>
      <Tabs
        value={tab}
        onChange={(to) => void navigate(`/connections/${connection.id}/${to}`)}
        keepMounted={false}
        activateTabWithKeyboard={false}
      >
        <Tabs.List>
          <Tabs.Tab value="setup">Setup</Tabs.Tab>
          <Tabs.Tab value="keys">Keys</Tabs.Tab>
          <Tabs.Tab value="folders">Folders</Tabs.Tab>
          <Tabs.Tab value="history">History</Tabs.Tab>
          <Tabs.Tab value="audit">Audit</Tabs.Tab>
        </Tabs.List>
        <Suspense fallback={<Loading />}>
          <Tabs.Panel value="keys" pt="md">
            <KeysTab connection={connection} />
          </Tabs.Panel>
          <Tabs.Panel value="folders" pt="md">
            <FoldersTab connection={connection} />
          </Tabs.Panel>
          <Tabs.Panel value="history" pt="md">
            <HistoryTab connection={connection} />
          </Tabs.Panel>
          <Tabs.Panel value="audit" pt="md">
            <AuditTab connection={connection} />
          </Tabs.Panel>
        </Suspense>
      </Tabs>
    </Page>
  )
}
