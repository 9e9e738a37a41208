import { Anchor, Box, Group, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import type { schemas } from '../api/types'
import { words } from '../ui/format'
import { Section } from '../ui/Section'
import { Time } from '../ui/Time'
import { placeOf } from './places'

/** The executions that failed last, and why. */
export function Failures({ executions }: { executions: schemas['Execution'][] }) {
  return (
    <Section title="Last failures" actions={<All to="/executions?state=failed" label="All failures" />}>
      <Lines none="Nothing has failed.">
        {executions.map(({ id, job_name, ended_at, queued_at, error }) => (
          <Line
            key={id}
            to={`/executions/${id}`}
            name={job_name || 'Execution'}
            at={ended_at ?? queued_at}
            note={error && `${error.message} (${error.code})`}
          />
        ))}
      </Lines>
    </Section>
  )
}

/** What runs by itself next: jobs by their schedules and folder mappings by theirs. */
export function Upcoming({ overview }: { overview: schemas['Overview'] }) {
  const jobs = overview.next_runs.map(({ job_id, job_name, at }) => ({
    to: `/jobs/${job_id}`,
    name: job_name,
    at,
    note: 'Job',
  }))
  const pulls = overview.pulls.next.map(({ mapping_id, mapping_name, connection_id, connection_name, at }) => ({
    to: `/connections/${connection_id}/folders?mapping=${mapping_id}`,
    name: mapping_name,
    at,
    note: `Folder of ${connection_name}`,
  }))
  const next = [...jobs, ...pulls].sort((one, other) => Date.parse(one.at) - Date.parse(other.at)).slice(0, 10)
  return (
    <Section title="Runs next" actions={<All to="/jobs" label="All jobs" />}>
      <Lines none="Nothing is scheduled.">
        {next.map((line) => (
          <Line key={`${line.to} ${line.at}`} {...line} />
        ))}
      </Lines>
    </Section>
  )
}

/** Keys, certificates and tokens that end soon or have ended. */
export function Expiring({ items }: { items: schemas['ExpiringItem'][] }) {
  return (
    <Section title="Expires soon">
      <Lines none="No key, certificate or token ends within 30 days.">
        {items.map((item) => (
          <Line
            key={`${item.kind} ${item.id} ${item.reason}`}
            to={placeOf(item)}
            name={item.name}
            at={item.at}
            note={`${words(item.kind)}: ${item.reason}`}
            late={Date.parse(item.at) < Date.now()}
          />
        ))}
      </Lines>
    </Section>
  )
}

const All = ({ to, label }: { to: string; label: string }) => (
  <Anchor component={Link} to={to} size="sm">
    {label}
  </Anchor>
)

function Lines({ none, children }: { none: string; children: ReactNode[] }) {
  if (children.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {none}
      </Text>
    )
  }
  return (
    <Stack gap="xs" component="ul" p={0} m={0}>
      {children}
    </Stack>
  )
}

type LineProps = { to: string; name: string; at: string; note: ReactNode; late?: boolean }

function Line({ to, name, at, note, late }: LineProps) {
  return (
    <Box component="li" style={{ listStyle: 'none' }}>
      <Group justify="space-between" gap="xs" wrap="nowrap" align="baseline">
        <Anchor component={Link} to={to} size="sm" c="inherit" fw={500} style={{ overflowWrap: 'anywhere' }}>
          {name}
        </Anchor>
        <Text size="xs" c={late ? 'red' : 'dimmed'}>
          <Time at={at} as="ago" />
        </Text>
      </Group>
      {note && (
        <Text size="xs" c="dimmed" lineClamp={2} style={{ overflowWrap: 'anywhere' }}>
          {note}
        </Text>
      )}
    </Box>
  )
}
