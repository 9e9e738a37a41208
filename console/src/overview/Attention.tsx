import { Anchor, Badge, Box, Button, Group, Stack, Text } from '@mantine/core'
import { CircleCheck } from 'lucide-react'
import { Link, useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { useMay } from '../auth/session'
import { counted, words } from '../ui/format'
import { notify } from '../ui/notify'
import { Section } from '../ui/Section'
import { Time } from '../ui/Time'
import { placeOf } from './places'

type Item = schemas['AttentionItem']

/** What somebody should look at, the gravest first, each with its reason and the button that helps. */
export function Attention({ overview }: { overview: schemas['Overview'] }) {
  const items = overview.needs_attention ?? []
  if (items.length === 0) {
    return (
      <Section title="Needs attention">
        <Group gap="xs" wrap="nowrap">
          <CircleCheck size={18} aria-hidden color="var(--mantine-color-green-text)" />
          <Text size="sm">Nothing needs attention.</Text>
        </Group>
      </Section>
    )
  }
  const more = (overview.needs_attention_total ?? items.length) - items.length
  return (
    <Section
      title="Needs attention"
      actions={
        <Badge color="orange" variant="light">
          {overview.needs_attention_total ?? items.length}
        </Badge>
      }
    >
      <Stack gap={0} component="ul" p={0} m={0}>
        {items.map((item) => (
          <Row key={`${item.kind} ${item.id} ${item.reason}`} item={item} />
        ))}
      </Stack>
      {more > 0 && (
        <Text size="sm" c="dimmed" pt="xs">
          And {counted(more, 'more thing')}.
        </Text>
      )}
    </Section>
  )
}

function Row({ item }: { item: Item }) {
  const open = useMayOpen(item)
  return (
    <Group
      component="li"
      justify="space-between"
      align="flex-start"
      gap="xs"
      py="xs"
      style={{ borderTop: '1px solid var(--mantine-color-default-border)', listStyle: 'none' }}
    >
      <Box flex={1} miw={220}>
        <Group gap="xs">
          {open ? (
            <Anchor component={Link} to={placeOf(item)} fw={600} c="inherit">
              {item.name}
            </Anchor>
          ) : (
            <Text fw={600}>{item.name}</Text>
          )}
          <Text size="xs" c="dimmed">
            {words(item.kind)}
            {item.code ? `, error ${item.code}` : ''}
            {item.since && (
              <>
                , since <Time at={item.since} as="ago" />
              </>
            )}
          </Text>
        </Group>
        <Text size="sm" lineClamp={3} style={{ overflowWrap: 'anywhere' }}>
          {item.reason}
        </Text>
      </Box>
      {open && <Help item={item} />}
    </Group>
  )
}

/** Alerts are shown to operators only. */
function useMayOpen({ kind }: Item): boolean {
  const operator = useMay('operator')
  return operator || kind !== 'alert'
}

/** What helps, or at least shows more. */
function Help({ item }: { item: Item }) {
  const may = useMay('operator')
  const navigate = useNavigate()
  const id = item.id ?? ''
  const test = useAction({
    run: () => read(api.POST('/api/connections/{id}/test', { params: { path: { id } } })),
    changes: [['connections'], ['overview']],
    onDone: (result) => {
      if (result.success) notify.done(`${item.name} answers again.`)
      else notify.wrong(`${item.name} still fails`, result.error_message ?? 'There was no reason given.')
    },
  })
  const run = useAction({
    run: () => read(api.POST('/api/jobs/{id}/run', { params: { path: { id } } })),
    changes: [['executions'], ['overview']],
    onDone: (execution) => void navigate(`/executions/${execution.id}`),
  })
  const look = { variant: 'default', size: 'xs' } as const
  if (may && item.action === 'test') {
    return (
      <Button {...look} loading={test.isPending} onClick={() => test.mutate()} aria-label={`Test again: ${item.name}`}>
        Test again
      </Button>
    )
  }
  if (may && item.action === 'run') {
    return (
      <Button {...look} loading={run.isPending} onClick={() => run.mutate()} aria-label={`Run again: ${item.name}`}>
        Run again
      </Button>
    )
  }
  const label = item.action === 'approve_host_key' ? 'Compare the keys' : 'Open'
  return (
    <Button {...look} component={Link} to={placeOf(item)} aria-label={`${label}: ${item.name}`}>
      {label}
    </Button>
  )
}
