import { ActionIcon, Anchor, Badge, Box, Stack, Table, Text } from '@mantine/core'
import { ChevronDown, ChevronRight } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import type { schemas } from '../api/types'
import { Exact } from '../ui/Copy'
import { Facts } from '../ui/Facts'
import { Fixed } from '../ui/Fixed'
import { gist } from '../ui/facts'
import { bytes, words } from '../ui/format'
import { Time } from '../ui/Time'
import { duration } from '../ui/time'
import { operationColor } from './operations'

type Props = {
  entry: schemas['AuditEntry']
  /** Given where the list shows connections; without a name where it was deleted. */
  connection: { name: string | undefined } | undefined
}

/** An entry on a line, and what it says in full below it. */
export function AuditRow({ entry, connection }: Props) {
  const [opened, setOpened] = useState(false)
  const details = `audit-${entry.id}`
  const operation = (
    <Badge variant="light" color={operationColor(entry.operation)}>
      {words(entry.operation)}
    </Badge>
  )
  const where = connection && <ConnectionLink id={entry.connection_id} name={connection.name} />
  return (
    <>
      <Table.Tr>
        <Table.Td>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            onClick={() => setOpened(!opened)}
            aria-expanded={opened}
            aria-controls={details}
            aria-label={`Details of ${words(entry.operation)}`}
          >
            {opened ? <ChevronDown size={16} /> : <ChevronRight size={16} />}
          </ActionIcon>
        </Table.Td>
        <Fixed>
          <Time at={entry.performed_at} as="full" />
          <Box hiddenFrom="sm">{operation}</Box>
        </Fixed>
        <Fixed visibleFrom="sm">{operation}</Fixed>
        {connection && (
          <Fixed visibleFrom="sm">
            <Text inherit truncate maw={190}>
              {where}
            </Text>
          </Fixed>
        )}
        <Fixed visibleFrom="sm">{entry.performed_by}</Fixed>
        <Table.Td>
          <Text size="sm" lineClamp={opened ? undefined : 2}>
            {said(entry)}
          </Text>
        </Table.Td>
      </Table.Tr>
      <Table.Tr id={details} hidden={!opened}>
        {opened && (
          <Table.Td colSpan={connection ? 6 : 5}>
            <Text size="sm" hiddenFrom="sm" pl={36}>
              By {entry.performed_by}
              {entry.connection_id && where && <> on {where}</>}
            </Text>
            <Details entry={entry} />
          </Table.Td>
        )}
      </Table.Tr>
    </>
  )
}

function ConnectionLink({ id, name }: { id: string | null | undefined; name: string | undefined }) {
  if (!id) return <>–</>
  return (
    <Anchor component={Link} to={`/connections/${id}/audit`} inherit>
      {name ?? 'a deleted one'}
    </Anchor>
  )
}

/** What it says on one line. */
function said({ details, bytes_transferred, duration_ms }: schemas['AuditEntry']): string {
  const size = bytes_transferred ?? ('size' in details ? Number(details.size) : Number.NaN)
  const moved = Number.isFinite(size) ? bytes(size) : undefined
  const took = duration_ms != null ? `took ${duration(duration_ms)}` : undefined
  return [gist(details), moved, took].filter(Boolean).join(' · ')
}

function Details({ entry }: { entry: schemas['AuditEntry'] }) {
  return (
    <Stack gap="xs" pl={36} pb="xs">
      <Facts facts={entry.details} />
      {entry.job_execution_id && (
        <Text size="sm">
          In{' '}
          <Anchor component={Link} to={`/executions/${entry.job_execution_id}`} inherit>
            this execution
          </Anchor>
          .
        </Text>
      )}
      <Box>
        <Text size="xs" c="dimmed">
          Entry {entry.seq ?? '(outside of any chain)'}
          {entry.seq != null && ' of its chain'}, proven by
        </Text>
        {entry.mac && <Exact text={entry.mac} />}
      </Box>
    </Stack>
  )
}
