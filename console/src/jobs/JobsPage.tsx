import { ActionIcon, Anchor, Badge, Button, Group, SegmentedControl, Switch, Table, Text, Tooltip } from '@mantine/core'
import { Play, Plus } from 'lucide-react'
import { Link } from 'react-router'
import { api, read } from '../api/client'
import { usePages } from '../api/pages'
import type { schemas } from '../api/types'
import { Only, useMay } from '../auth/session'
import { Empty } from '../ui/Empty'
import { useFilters } from '../ui/filters'
import { counted } from '../ui/format'
import { Loading } from '../ui/Loading'
import { More } from '../ui/More'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { Scroll } from '../ui/Scroll'
import { SearchInput } from '../ui/SearchInput'
import { Section } from '../ui/Section'
import { cronWords } from '../ui/schedule/cron'
import { Time } from '../ui/Time'
import { shortTime } from '../ui/time'
import { LastRun } from './LastRun'
import { useEnable, useRun } from './useJob'

/** All jobs: what runs when, and how it went last. */
export default function JobsPage() {
  const { values, set, any } = useFilters('search', 'enabled')
  const query = {
    search: values.search,
    enabled: values.enabled === undefined ? undefined : values.enabled === 'true',
  }
  const jobs = usePages(['jobs', query], (cursor) =>
    read(api.GET('/api/jobs', { params: { query: { ...query, cursor } } })),
  )
  const create = (
    <Only role="operator">
      <Button component={Link} to="/jobs/new" leftSection={<Plus size={16} aria-hidden />}>
        New job
      </Button>
    </Only>
  )
  const none = jobs.data && jobs.items.length === 0
  return (
    <Page
      title="Jobs"
      about="A job does its steps one after the other, at its times or when you run it."
      actions={none && !any ? undefined : create}
    >
      {(!none || any) && (
        <Group gap="sm">
          <SearchInput
            aria-label="Search by name"
            placeholder="Search by name"
            value={values.search}
            onChange={(search) => set({ search })}
            flex={1}
            miw={180}
            maw={360}
          />
          <SegmentedControl
            aria-label="Which jobs"
            data={[
              { value: '', label: 'All' },
              { value: 'true', label: 'Enabled' },
              { value: 'false', label: 'Not enabled' },
            ]}
            value={values.enabled ?? ''}
            onChange={(enabled) => set({ enabled: enabled || null })}
          />
        </Group>
      )}
      {jobs.error ? (
        <Problem error={jobs.error} retry={() => void jobs.refetch()} />
      ) : !jobs.data ? (
        <Loading />
      ) : none ? (
        <Nothing any={any} clear={() => set({ search: null, enabled: null })} create={create} />
      ) : (
        <Section flush>
          <JobTable jobs={jobs.items} />
          <More pages={jobs} />
        </Section>
      )}
    </Page>
  )
}

function Nothing({ any, clear, create }: { any: boolean; clear: () => void; create: React.ReactNode }) {
  if (any) {
    return (
      <Empty title="No job is like that" action={<Button onClick={clear}>Show all jobs</Button>}>
        Try another name, or look at all of them.
      </Empty>
    )
  }
  return (
    <Empty title="There are no jobs yet" action={create}>
      Make one that fetches, sends or tidies up files at its times. To take each file of a partner’s folder once, you
      need no job: map the folder at its connection.
    </Empty>
  )
}

function JobTable({ jobs }: { jobs: schemas['Job'][] }) {
  const may = useMay('operator')
  return (
    <Scroll label="Jobs" minWidth={320}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>Job</Table.Th>
          <Table.Th>Last run</Table.Th>
          <Table.Th visibleFrom="sm">Next run</Table.Th>
          <Table.Th visibleFrom="xs">Enabled</Table.Th>
          {may && (
            <Table.Th w={1}>
              <Text span size="xs" fw={700}>
                Run
              </Text>
            </Table.Th>
          )}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {jobs.map((job) => (
          <Row key={job.id} job={job} may={may} />
        ))}
      </Table.Tbody>
    </Scroll>
  )
}

function Row({ job, may }: { job: schemas['Job']; may: boolean }) {
  const run = useRun()
  const enable = useEnable()
  return (
    <Table.Tr>
      <Table.Td>
        <Anchor component={Link} to={`/jobs/${job.id}`} fw={500} size="sm">
          {job.name}
        </Anchor>
        <Text size="xs" c="dimmed">
          {job.description || counted(job.steps.length, 'step')}
        </Text>
        {!job.enabled && (
          <Badge color="gray" size="sm" hiddenFrom="xs">
            Not enabled
          </Badge>
        )}
      </Table.Td>
      <Table.Td>
        <LastRun jobId={job.id} />
      </Table.Td>
      <Table.Td visibleFrom="sm">
        {job.enabled && job.next_run_at ? (
          <Text size="sm" component="div">
            <Time at={job.next_run_at} as="ago" />
          </Text>
        ) : null}
        <Text size="xs" c="dimmed">
          {whenWords(job)}
        </Text>
      </Table.Td>
      <Table.Td visibleFrom="xs">
        {may ? (
          <Switch
            aria-label={`${job.name} is enabled`}
            checked={enable.isPending ? enable.variables.enabled : job.enabled}
            onChange={(event) => enable.mutate({ job, enabled: event.currentTarget.checked })}
          />
        ) : (
          <Badge color={job.enabled ? 'green' : 'gray'} variant="light">
            {job.enabled ? 'Yes' : 'No'}
          </Badge>
        )}
      </Table.Td>
      {may && (
        <Table.Td>
          <Tooltip label={job.enabled ? 'Run now' : 'Enable it to run it'}>
            <ActionIcon
              variant="light"
              aria-label={`Run ${job.name} now`}
              disabled={!job.enabled}
              loading={run.isPending}
              onClick={() => run.mutate(job)}
            >
              <Play size={16} />
            </ActionIcon>
          </Tooltip>
        </Table.Td>
      )}
    </Table.Tr>
  )
}

/** `Every day at 02:00`, and how many schedules more there are. */
function whenWords(job: schemas['Job']): string {
  const [first, ...more] = job.schedules
  if (!first) return 'When it is run'
  const words = first.cron ? cronWords(first.cron) : first.at ? `Once, ${shortTime(new Date(first.at))}` : ''
  return more.length > 0 ? `${words}, and ${counted(more.length, 'schedule')} more` : words
}
