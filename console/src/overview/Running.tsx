import { Anchor, Group, Progress, Stack, Text } from '@mantine/core'
import { Link } from 'react-router'
import { type Moving, type MovingFile, useMoving } from '../api/moving'
import type { schemas } from '../api/types'
import { bytes, counted, rate, words } from '../ui/format'
import { Section } from '../ui/Section'
import { Time } from '../ui/Time'
import { wholeSeconds } from '../ui/time'

/** Files of one execution that are shown here; its own page shows more. */
const FILES = 3

/** What runs at this moment, with what moves in it. */
export function Running({ executions }: { executions: schemas['Execution'][] }) {
  const moving = useMoving()
  return (
    <Section
      title="Running now"
      actions={
        <Anchor component={Link} to="/executions?state=running" size="sm">
          All that run
        </Anchor>
      }
    >
      {executions.length === 0 ? (
        <Text size="sm" c="dimmed">
          Nothing runs at this moment.
        </Text>
      ) : (
        <Stack gap="md">
          {executions.map((execution) => (
            <Run key={execution.id} execution={execution} moving={moving.get(execution.id)} />
          ))}
        </Stack>
      )}
    </Section>
  )
}

function Run({ execution, moving }: { execution: schemas['Execution']; moving: Moving | undefined }) {
  const step = execution.steps.find(({ state }) => state === 'running')
  const files = moving?.files ?? []
  return (
    <div>
      <Group justify="space-between" gap="xs">
        <Anchor component={Link} to={`/executions/${execution.id}`} fw={600} c="inherit">
          {execution.job_name || 'Execution'}
        </Anchor>
        <Text size="xs" c="dimmed">
          {step && `Step ${step.index} of ${execution.steps.length}, ${step.name ?? words(step.step_type)}; `}
          began <Time at={execution.started_at ?? execution.queued_at} as="ago" />
        </Text>
      </Group>
      {files.slice(0, FILES).map((file) => (
        <FileBar key={file.current_file} file={file} />
      ))}
      <Text size="xs" c="dimmed">
        {files.length > FILES && `${counted(files.length - FILES, 'more file')} on the way. `}
        {moving && moving.bytes_transferred > 0
          ? `${counted(moving.files_transferred, 'file')} done, ${bytes(moving.bytes_transferred)} at ${rate(moving.transfer_rate_bytes_per_sec)}.`
          : files.length === 0 &&
            (step?.retry_at ? 'Waits for its next try.' : 'No file is on the way at this moment.')}
      </Text>
    </div>
  )
}

function FileBar({ file }: { file: MovingFile }) {
  const known = file.total_bytes != null && file.total_bytes > 0
  const part = known ? (file.bytes_transferred / (file.total_bytes ?? 1)) * 100 : 100
  const left = file.eta_sec == null ? '' : `, ${wholeSeconds(file.eta_sec * 1000)} left`
  return (
    <div>
      <Group justify="space-between" gap="xs" wrap="nowrap">
        <Text size="xs" truncate="start">
          {/* Cut at its start, and still written from the left: a slash stays where it is. */}
          <bdi dir="ltr">{file.current_file}</bdi>
        </Text>
        <Text size="xs" c="dimmed" style={{ whiteSpace: 'nowrap' }}>
          {known ? `${Math.floor(part)} %, ` : `${bytes(file.bytes_transferred)}, `}
          {rate(file.transfer_rate_bytes_per_sec)}
          {left}
        </Text>
      </Group>
      <Progress value={part} animated={!known} striped={!known} aria-label={file.current_file} size="sm" />
    </div>
  )
}
