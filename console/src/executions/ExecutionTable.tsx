import { Anchor, Box, Progress, Table, Text } from '@mantine/core'
import { Link } from 'react-router'
import { type Moving, useMoving } from '../api/moving'
import { StateBadge } from '../ui/badges'
import { Elapsed } from '../ui/Elapsed'
import { Fixed } from '../ui/Fixed'
import { bytes, counted, rate } from '../ui/format'
import { Scroll } from '../ui/Scroll'
import { Time } from '../ui/Time'
import type { Execution } from './useExecution'

/** Executions, one a line: what ran, where it is, how far it came and why it failed. */
export function ExecutionTable({ executions }: { executions: Execution[] }) {
  const moving = useMoving()
  return (
    <Scroll label="Executions" minWidth={0}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th w={1}>State</Table.Th>
          <Table.Th>What</Table.Th>
          <Table.Th visibleFrom="md">Result</Table.Th>
          <Table.Th visibleFrom="sm" w={1}>
            By
          </Table.Th>
          <Table.Th w={1}>When</Table.Th>
          <Table.Th visibleFrom="sm" w={1}>
            Took
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {executions.map((execution) => (
          <Row key={execution.id} execution={execution} moving={moving.get(execution.id)} />
        ))}
      </Table.Tbody>
    </Scroll>
  )
}

function Row({ execution, moving }: { execution: Execution; moving: Moving | undefined }) {
  const result = <Result execution={execution} moving={moving} />
  return (
    <Table.Tr>
      <Fixed>
        <StateBadge state={execution.state} />
      </Fixed>
      <Table.Td fz="sm">
        <Anchor component={Link} to={`/executions/${execution.id}`} inherit fw={500}>
          {execution.job_name || 'Unnamed'}
        </Anchor>
        <Text size="xs" c="dimmed">
          {execution.mapping_id ? 'Folder mapping' : `Job, version ${execution.job_version}`}
        </Text>
        <Box hiddenFrom="md">{result}</Box>
      </Table.Td>
      <Table.Td visibleFrom="md" w="38%">
        {result}
      </Table.Td>
      <Fixed visibleFrom="sm">{execution.triggered_by}</Fixed>
      <Fixed>
        <Time at={execution.queued_at} as="ago" />
      </Fixed>
      <Fixed visibleFrom="sm">
        <Elapsed from={execution.started_at} to={execution.ended_at} />
      </Fixed>
    </Table.Tr>
  )
}

/** How it went: what moves now, why it failed, or what was moved. */
function Result({ execution, moving }: { execution: Execution; moving: Moving | undefined }) {
  const { state, steps, error } = execution
  const files = steps.reduce((sum, step) => sum + step.files_transferred, 0)
  const moved = steps.reduce((sum, step) => sum + step.bytes_transferred, 0)
  if (error) {
    const step = steps.find((one) => one.state === 'failed')
    return (
      <Text size="sm" lineClamp={2}>
        {steps.length > 1 && step && `Step ${step.index}: `}
        {error.message}
      </Text>
    )
  }
  if (state === 'running' || state === 'paused' || state === 'queued') {
    const done = steps.filter((step) => step.state === 'completed' || step.state === 'skipped').length
    const current = steps.find((step) => step.state === 'running')
    const words = [
      steps.length > 1 &&
        (current ? `Step ${current.index} of ${steps.length}` : `${done} of ${steps.length} steps done`),
      moved > 0 && bytes(Math.max(moved, moving?.bytes_transferred ?? 0)),
      moving && moving.transfer_rate_bytes_per_sec > 0 && rate(moving.transfer_rate_bytes_per_sec),
    ].filter(Boolean)
    return (
      <>
        <Text size="sm">{words.join(' · ')}</Text>
        {state === 'running' && <Bar moving={moving} name={execution.job_name ?? 'Execution'} />}
      </>
    )
  }
  const skipped = steps.filter((step) => step.state === 'skipped').length
  const told = [
    files > 0 && `${counted(files, 'file')}, ${bytes(moved)}`,
    skipped > 0 && `${counted(skipped, 'step')} skipped`,
  ].filter(Boolean)
  return <Text size="sm">{told.length > 0 ? told.join(' · ') : execution.mapping_id ? 'Nothing new' : '–'}</Text>
}

/** How far the files are that move now, all together; where that isn't known, that something moves. */
function Bar({ moving, name }: { moving: Moving | undefined; name: string }) {
  const files = moving?.files ?? []
  const total = files.reduce((sum, file) => sum + (file.total_bytes ?? 0), 0)
  const there = files.reduce((sum, file) => sum + file.bytes_transferred, 0)
  const known = total > 0 && files.every((file) => file.total_bytes != null)
  return (
    <Progress
      mt={4}
      size="sm"
      maw={320}
      value={known ? (there / total) * 100 : 100}
      striped={!known}
      animated={!known}
      aria-label={`Files of ${name} that move now`}
    />
  )
}
