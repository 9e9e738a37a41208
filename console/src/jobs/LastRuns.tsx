import { Anchor, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import { api, read } from '../api/client'
import { StateBadge } from '../ui/badges'
import { Elapsed } from '../ui/Elapsed'
import { Empty } from '../ui/Empty'
import { Fixed } from '../ui/Fixed'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { Scroll } from '../ui/Scroll'
import { Time } from '../ui/Time'

/** What a job did last. */
export function LastRuns({ jobId }: { jobId: string }) {
  const runs = useQuery({
    queryKey: ['executions', 'job', jobId],
    queryFn: () => read(api.GET('/api/executions', { params: { query: { job_id: jobId, limit: 10 } } })),
  })
  if (runs.error && !runs.data) return <Problem error={runs.error} retry={() => void runs.refetch()} />
  if (!runs.data) return <Loading />
  if (runs.data.items.length === 0)
    return <Empty title="It has not run yet">Run it now, or wait for its schedule: what it did stands here then.</Empty>
  return (
    <Scroll label="Executions of this job" minWidth={300}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>State</Table.Th>
          <Table.Th>Asked for</Table.Th>
          <Table.Th visibleFrom="xs">Took</Table.Th>
          <Table.Th visibleFrom="sm">By</Table.Th>
          <Table.Th visibleFrom="sm">Version</Table.Th>
          <Table.Th visibleFrom="md">Error</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {runs.data.items.map((run) => (
          <Table.Tr key={run.id}>
            <Fixed>
              <StateBadge state={run.state} />
            </Fixed>
            <Fixed>
              <Anchor component={Link} to={`/executions/${run.id}`} inherit>
                <Time at={run.queued_at} />
              </Anchor>
            </Fixed>
            <Fixed visibleFrom="xs">
              <Elapsed from={run.started_at} to={run.ended_at} />
            </Fixed>
            <Fixed visibleFrom="sm">{run.triggered_by}</Fixed>
            <Fixed visibleFrom="sm">{run.job_version}</Fixed>
            <Table.Td visibleFrom="md">
              {run.error && (
                <Text size="sm" lineClamp={2} title={run.error.message}>
                  {run.error.message}
                </Text>
              )}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Scroll>
  )
}
