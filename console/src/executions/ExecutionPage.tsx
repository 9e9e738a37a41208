import { Anchor, Group, Stack, Text, ThemeIcon, Timeline } from '@mantine/core'
import { Check, Circle, Loader, type LucideIcon, SkipForward, X } from 'lucide-react'
import { Link, useParams, useSearchParams } from 'react-router'
import { useMappings } from '../api/lists'
import { StateBadge } from '../ui/badges'
import { Elapsed } from '../ui/Elapsed'
import { counted } from '../ui/format'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { Time } from '../ui/Time'
import { Actions } from './Actions'
import { ExecutionError } from './ExecutionError'
import { StateHistory } from './StateHistory'
import { StepItem } from './StepItem'
import { type Execution, type Live, type Step, useExecution } from './useExecution'

const up = { to: '/executions', label: 'Executions' }

/** One run of a job or a folder mapping, as it happens and as it went. */
export default function ExecutionPage() {
  const { id = '' } = useParams()
  // What moves belongs to one execution; another address begins anew.
  return <Shown key={id} id={id} />
}

function Shown({ id }: { id: string }) {
  const { data: execution, error, refetch, live } = useExecution(id)
  if (execution) return <Whole execution={execution} live={live} />
  return (
    <Page title="Execution" up={up}>
      {error ? <Problem error={error} retry={() => void refetch()} /> : <Loading />}
    </Page>
  )
}

function Whole({ execution, live }: { execution: Execution; live: Live }) {
  const [params] = useSearchParams()
  const meant = Number(params.get('step'))
  // Where a step tells of it, it isn't told twice.
  const isTold = execution.steps.some((step) => step.error?.message === execution.error?.message)
  return (
    <Page
      title={execution.job_name ?? 'Execution'}
      up={up}
      marks={<StateBadge state={execution.state} />}
      actions={<Actions execution={execution} />}
      about={<About execution={execution} />}
    >
      {execution.error && !isTold && <ExecutionError error={execution.error} title="It failed" />}
      <Section title="Steps">
        <Timeline bulletSize={26} lineWidth={2} active={-1} color="gray">
          {execution.steps.map((step) => (
            <Timeline.Item key={step.index} bullet={<Bullet state={step.state} />}>
              <StepItem step={step} execution={execution} live={live} isMeant={step.index === meant} />
            </Timeline.Item>
          ))}
        </Timeline>
      </Section>
      <StateHistory execution={execution} />
    </Page>
  )
}

const bullets: Record<Step['state'], { icon: LucideIcon; color: string }> = {
  pending: { icon: Circle, color: 'gray' },
  running: { icon: Loader, color: 'blue' },
  completed: { icon: Check, color: 'green' },
  failed: { icon: X, color: 'red' },
  skipped: { icon: SkipForward, color: 'yellow' },
}

function Bullet({ state }: { state: Step['state'] }) {
  const { icon: Icon, color } = bullets[state]
  return (
    <ThemeIcon color={color} variant={state === 'pending' ? 'light' : 'filled'} size={22} radius="xl">
      <Icon size={14} aria-hidden />
    </ThemeIcon>
  )
}

function About({ execution }: { execution: Execution }) {
  const { attempts, retries = 0 } = execution
  return (
    <Stack gap={2}>
      <Text size="sm" inherit>
        <Source execution={execution} />, asked for by{' '}
        {execution.triggered_by === 'schedule' ? 'its schedule' : execution.triggered_by}{' '}
        <Time at={execution.queued_at} as="ago" />
        {execution.scheduled_at && (
          <>
            , due <Time at={execution.scheduled_at} as="full" />
          </>
        )}
        .
      </Text>
      <Group gap="xs" component="span">
        {execution.started_at && (
          <span>
            {execution.ended_at ? 'It took ' : execution.state === 'running' ? 'It runs for ' : 'It began '}
            <Elapsed from={execution.started_at} to={execution.ended_at} />
            {!execution.ended_at && execution.state !== 'running' && ' ago'}
            {execution.node && <> on {execution.node}</>}
            {attempts > 1 && <>, taken up {counted(attempts, 'time')}</>}
            {retries > 0 && <>, the whole job tried again {counted(retries, 'time')}</>}.
          </span>
        )}
      </Group>
    </Stack>
  )
}

/** What was run: a job in one of its versions, or a folder mapping. */
function Source({ execution }: { execution: Execution }) {
  const mappings = useMappings()
  if (execution.job_id) {
    return (
      <>
        <Anchor component={Link} to={`/jobs/${execution.job_id}`} inherit>
          The job
        </Anchor>{' '}
        in its{' '}
        <Anchor component={Link} to={`/jobs/${execution.job_id}/versions?to=${execution.job_version}`} inherit>
          version {execution.job_version}
        </Anchor>
      </>
    )
  }
  const mapping = mappings.data?.find((item) => item.id === execution.mapping_id)
  if (!mapping) return <>A folder mapping</>
  return (
    <Anchor component={Link} to={`/connections/${mapping.connection_id}/folders?mapping=${mapping.id}`} inherit>
      A folder mapping
    </Anchor>
  )
}
