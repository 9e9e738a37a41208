import { Alert, List, SimpleGrid, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { ShieldAlert } from 'lucide-react'
import { api, read } from '../api/client'
import type { schemas } from '../api/types'
import { InitialPassword } from '../auth/InitialPassword'
import { useMay } from '../auth/session'
import { Empty } from '../ui/Empty'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { Activity } from './Activity'
import { Attention } from './Attention'
import { FirstSteps, some } from './FirstSteps'
import { Expiring, Failures, Upcoming } from './Lists'
import { Running } from './Running'
import { Tiles } from './Tiles'

/** The first page: what runs, what failed and why, and what needs attention. */
export default function OverviewPage() {
  const overview = useQuery({ queryKey: ['overview'], queryFn: () => read(api.GET('/api/overview')) })
  return (
    <Page title="Overview">
      <InitialPassword />
      {overview.data ? (
        <Known overview={overview.data} />
      ) : overview.error ? (
        <Problem error={overview.error} retry={() => void overview.refetch()} />
      ) : (
        <Loading />
      )}
    </Page>
  )
}

function Known({ overview }: { overview: schemas['Overview'] }) {
  const operator = useMay('operator')
  const fresh = !some(overview.connections) && !some(overview.executions) && overview.moved_7d.files === 0
  const steps = operator && <FirstSteps overview={overview} />
  return (
    <>
      <Warnings warnings={overview.warnings} />
      {fresh && steps}
      {fresh && !operator && <Empty title="No server is connected yet">An operator connects the first one.</Empty>}
      {!fresh && (
        <>
          <Tiles overview={overview} />
          <Attention overview={overview} />
          <Running executions={overview.running} />
          <Activity />
          {steps}
          <SimpleGrid cols={{ base: 1, md: 3 }} spacing="md">
            <Failures executions={overview.recent_failures} />
            <Upcoming overview={overview} />
            <Expiring items={overview.expiring ?? []} />
          </SimpleGrid>
        </>
      )}
    </>
  )
}

/** What is unsafe about how this server is reached. It can't be closed: it goes when its reason goes. */
function Warnings({ warnings }: { warnings: string[] }) {
  if (warnings.length === 0) return null
  return (
    <Alert
      color="red.9"
      variant="filled"
      icon={<ShieldAlert aria-hidden />}
      title="This server is not safe as it runs now"
    >
      {warnings.length === 1 ? (
        <Text size="sm">{warnings[0]}</Text>
      ) : (
        <List size="sm">
          {warnings.map((warning) => (
            <List.Item key={warning}>{warning}</List.Item>
          ))}
        </List>
      )}
    </Alert>
  )
}
