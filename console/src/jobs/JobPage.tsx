import { Badge, Tabs } from '@mantine/core'
import { type ComponentType, lazy, Suspense } from 'react'
import { useNavigate, useParams } from 'react-router'
import type { schemas } from '../api/types'
import { Only, useMay } from '../auth/session'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { JobActions } from './JobActions'
import JobOverview from './JobOverview'
import { useJob } from './useJob'

type Tab = ComponentType<{ job: schemas['Job'] }>

const EditTab = lazy<Tab>(() => import('./EditTab'))
const DefinitionTab = lazy<Tab>(() => import('./DefinitionTab'))
const VersionsTab = lazy<Tab>(() => import('./versions/VersionsTab'))

const up = { to: '/jobs', label: 'Jobs' }

/** One job: what it does, how it is changed, how it was. */
export default function JobPage() {
  const { id = '' } = useParams()
  const job = useJob(id)
  if (job.data) return <Known key={id} job={job.data} />
  return (
    <Page title="Job" up={up}>
      {job.error ? <Problem error={job.error} retry={() => void job.refetch()} /> : <Loading />}
    </Page>
  )
}

function Known({ job }: { job: schemas['Job'] }) {
  const { tab = 'overview' } = useParams()
  const navigate = useNavigate()
  const may = useMay('operator')
  const tabs: { value: string; title: string; Tab: Tab }[] = [
    { value: 'overview', title: 'Overview', Tab: JobOverview },
    may ? { value: 'edit', title: 'Edit', Tab: EditTab } : { value: 'edit', title: 'Definition', Tab: DefinitionTab },
    { value: 'versions', title: 'Versions', Tab: VersionsTab },
  ]
  return (
    <Page
      title={job.name}
      up={up}
      about={job.description}
      marks={
        <>
          <Badge variant="default">Version {job.version}</Badge>
          {!job.enabled && (
            <Badge color="gray" variant="filled">
              Not enabled
            </Badge>
          )}
        </>
      }
      actions={
        <Only role="operator">
          <JobActions job={job} />
        </Only>
      }
    >
      <Tabs
        value={tab}
        onChange={(to) => void navigate(to === 'overview' ? `/jobs/${job.id}` : `/jobs/${job.id}/${to}`)}
        keepMounted={false}
        activateTabWithKeyboard={false}
      >
        <Tabs.List>
          {tabs.map(({ value, title }) => (
            <Tabs.Tab key={value} value={value}>
              {title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Suspense fallback={<Loading />}>
          {tabs.map(({ value, Tab }) => (
            <Tabs.Panel key={value} value={value} pt="md">
              <Tab job={job} />
            </Tabs.Panel>
          ))}
        </Suspense>
      </Tabs>
    </Page>
  )
}
