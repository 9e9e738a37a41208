import { Badge, Tooltip } from '@mantine/core'
import type { schemas } from '../api/types'
import { words } from './format'

const healths: Record<schemas['Health'], string> = {
  unknown: 'gray',
  healthy: 'green',
  failing: 'red',
  requires_attention: 'orange',
}

/** How something fares, and why. */
export function HealthBadge({ health, detail }: { health: schemas['Health']; detail?: string | null }) {
  const badge = (
    <Badge color={healths[health]} variant="light">
      {health === 'unknown' ? 'Not tried yet' : words(health)}
    </Badge>
  )
  return detail ? (
    <Tooltip label={detail} multiline maw={420}>
      {badge}
    </Tooltip>
  ) : (
    badge
  )
}

const states: Record<schemas['ExecutionState'] | schemas['StepState'], string> = {
  queued: 'gray',
  pending: 'gray',
  running: 'blue',
  paused: 'yellow',
  completed: 'green',
  failed: 'red',
  cancelled: 'gray',
  skipped: 'yellow',
}

/** Where an execution or a step is. */
export function StateBadge({ state }: { state: schemas['ExecutionState'] | schemas['StepState'] }) {
  return (
    <Badge color={states[state]} variant={state === 'running' ? 'filled' : 'light'}>
      {words(state)}
    </Badge>
  )
}
