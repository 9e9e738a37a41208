import { Anchor, Badge, Button, Group, Switch, Table, Text, Tooltip } from '@mantine/core'
import { Mail, Plus, TriangleAlert, Webhook } from 'lucide-react'
import { Link } from 'react-router'
import { api, read } from '../api/client'
import { usePages } from '../api/pages'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Empty } from '../ui/Empty'
import { Fixed } from '../ui/Fixed'
import { counted } from '../ui/format'
import { Loading } from '../ui/Loading'
import { More } from '../ui/More'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { Scroll } from '../ui/Scroll'
import { Section } from '../ui/Section'
import { kindName } from './kinds'

const add = (
  <Button component={Link} to="/alerts/new" size="xs" leftSection={<Plus size={14} aria-hidden />}>
    New alert
  </Button>
)

/** Who is told of what. */
export default function AlertsPage() {
  const alerts = usePages(['alerts', 'list'], (cursor) =>
    read(api.GET('/api/alerts', { params: { query: { cursor } } })),
  )
  return (
    <Page
      title="Alerts"
      about="Courier tells people and other systems when something fails, is late, is missing or has arrived."
      actions={alerts.items.length > 0 && add}
    >
      <Section flush>
        {alerts.isPending ? (
          <Loading />
        ) : alerts.error && alerts.items.length === 0 ? (
          <Problem error={alerts.error} retry={() => void alerts.refetch()} />
        ) : alerts.items.length === 0 ? (
          <Empty title="Nobody is told of anything yet" action={add}>
            An alert posts to a webhook or sends a mail when an execution fails, a connection needs attention, or a file
            doesn’t come.
          </Empty>
        ) : (
          <>
            <Scroll label="Alerts" minWidth={0}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th visibleFrom="sm">Tells when</Table.Th>
                  <Table.Th visibleFrom="sm">Tells</Table.Th>
                  <Table.Th w={1}>Enabled</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {alerts.items.map((alert) => (
                  <Row key={alert.id} alert={alert} />
                ))}
              </Table.Tbody>
            </Scroll>
            <More pages={alerts} />
          </>
        )}
      </Section>
    </Page>
  )
}

function Row({ alert }: { alert: schemas['Alert'] }) {
  const toggle = useAction({
    // The document doesn't name the fields of a patch, so its type has none.
    run: (enabled: boolean) =>
      read(api.PATCH('/api/alerts/{id}', { params: { path: { id: alert.id } }, body: { enabled } as never })),
    changes: [['alerts']],
    done: ({ name, enabled }) => (enabled ? `${name} tells again` : `${name} tells nobody any more`),
  })
  const told = alert.on.map((kind) => kindName(kind).toLowerCase()).join(', ')
  const what = told.charAt(0).toUpperCase() + told.slice(1)
  return (
    <Table.Tr>
      <Table.Td fz="sm">
        <Group gap="xs">
          <Anchor component={Link} to={`/alerts/${alert.id}`} inherit fw={500}>
            {alert.name}
          </Anchor>
          {alert.warnings.length > 0 && (
            <Tooltip label={alert.warnings.join(' ')} multiline maw={420}>
              <Badge color="orange" variant="light" leftSection={<TriangleAlert size={12} aria-hidden />}>
                {counted(alert.warnings.length, 'warning')}
              </Badge>
            </Tooltip>
          )}
        </Group>
        <Text size="xs" hiddenFrom="sm">
          {what}
        </Text>
      </Table.Td>
      <Table.Td fz="sm" visibleFrom="sm">
        {what}
        <Text size="xs" c="dimmed">
          {scope(alert)}
        </Text>
      </Table.Td>
      <Fixed visibleFrom="sm">
        <Target channel={alert.channel} />
      </Fixed>
      <Fixed>
        <Switch
          aria-label={`${alert.name} is enabled`}
          checked={toggle.isPending ? toggle.variables : alert.enabled}
          onChange={(event) => toggle.mutate(event.currentTarget.checked)}
        />
      </Fixed>
    </Table.Tr>
  )
}

/** About which it tells. */
function scope({ jobs, connections, mappings }: schemas['Alert']): string {
  const named = [
    jobs.length > 0 && counted(jobs.length, 'job'),
    connections.length > 0 && counted(connections.length, 'connection'),
    mappings.length > 0 && counted(mappings.length, 'folder mapping'),
  ].filter(Boolean)
  return named.length > 0 ? `Of ${named.join(', ')}` : 'Of everything'
}

/** Whom it tells; of an address no more than the host, which is what one knows it by. */
function Target({ channel }: { channel: schemas['AlertChannel'] }) {
  const isMail = channel.type === 'email'
  const Icon = isMail ? Mail : Webhook
  return (
    <Group gap={6} wrap="nowrap">
      <Icon size={14} aria-label={isMail ? 'By mail' : 'By webhook'} />
      <Text inherit truncate maw={220}>
        {isMail ? channel.to.join(', ') : host(channel.url)}
      </Text>
    </Group>
  )
}

function host(url: string): string {
  try {
    return new URL(url).host
  } catch {
    return url
  }
}
