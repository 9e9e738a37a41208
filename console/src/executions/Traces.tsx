import { Alert, Badge, Button, Group, Table, Text } from '@mantine/core'
import { RefreshCw } from 'lucide-react'
import { useState } from 'react'
import { api, read } from '../api/client'
import { usePages } from '../api/pages'
import { codes, ProblemError } from '../api/problem'
import type { schemas } from '../api/types'
import { Fixed } from '../ui/Fixed'
import { Loading } from '../ui/Loading'
import { More } from '../ui/More'
import { Problem } from '../ui/Problem'
import { Scroll } from '../ui/Scroll'
import { Time } from '../ui/Time'

const severities: { label: string; color: string }[] = [
  { label: 'Verbose', color: 'gray' },
  { label: 'Information', color: 'blue' },
  { label: 'Warning', color: 'yellow' },
  { label: 'Error', color: 'red' },
  { label: 'Critical', color: 'red' },
]

type Props = { execution: string; step: number }

/** What a function wrote while it ran, asked of its workspace when somebody wants to see it. */
export function Traces(props: Props) {
  const [opened, setOpened] = useState(false)
  if (opened) return <Lines {...props} />
  return (
    <Button variant="default" size="xs" mt="xs" onClick={() => setOpened(true)}>
      Show what the function wrote
    </Button>
  )
}

function Lines({ execution, step }: Props) {
  // A key of its own: that something changed in the execution says nothing of the workspace, which is asked in the cloud.
  const traces = usePages(['traces', execution, step], async (cursor) => {
    const path = { id: execution, index: step }
    const page = await read(
      api.GET('/api/executions/{id}/steps/{index}/traces', { params: { path, query: { limit: 200, cursor } } }),
    )
    return { ...page, items: page.items.map((trace, at) => ({ ...trace, key: `${cursor ?? ''} ${at}` })) }
  })
  const partial = traces.data?.pages.some((page) => 'partial' in page && page.partial)
  const again = (
    <Button
      variant="subtle"
      size="xs"
      leftSection={<RefreshCw size={14} aria-hidden />}
      onClick={() => void traces.refetch()}
      loading={traces.isFetching}
    >
      Look again
    </Button>
  )

  if (traces.isPending) return <Loading />
  if (traces.error && traces.items.length === 0) {
    const isEarly = traces.error instanceof ProblemError && traces.error.code === codes.conflict
    if (!isEarly) return <Problem error={traces.error} retry={() => void traces.refetch()} />
    return (
      <Alert color="blue" mt="xs" title="Nothing is known of this run yet">
        <Text size="sm">{traces.error.message}</Text>
        {again}
      </Alert>
    )
  }
  return (
    <>
      <Group justify="space-between" mt="xs">
        <Text size="sm" fw={600}>
          What the function wrote
        </Text>
        {again}
      </Group>
      {partial && (
        <Alert color="yellow" title="The workspace gave less than it has">
          What is missing may come when you look again.
        </Alert>
      )}
      {traces.items.length === 0 ? (
        <Text size="sm">It wrote nothing. Lines arrive with a delay of minutes.</Text>
      ) : (
        <Scroll label="What the function wrote" minWidth={420}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>When</Table.Th>
              <Table.Th>Severity</Table.Th>
              <Table.Th>Text</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {traces.items.map((trace) => (
              <Line key={trace.key} trace={trace} />
            ))}
          </Table.Tbody>
        </Scroll>
      )}
      <More pages={traces} />
    </>
  )
}

function Line({ trace }: { trace: schemas['Trace'] }) {
  const severity = trace.severity_level == null ? undefined : severities[trace.severity_level]
  return (
    <Table.Tr>
      <Fixed>
        <Time at={trace.timestamp} as="clock" />
      </Fixed>
      <Fixed>
        {severity && (
          <Badge color={severity.color} variant="light">
            {severity.label}
          </Badge>
        )}
      </Fixed>
      <Table.Td fz="sm" ff="monospace" style={{ whiteSpace: 'pre-wrap' }}>
        {trace.message}
      </Table.Td>
    </Table.Tr>
  )
}
