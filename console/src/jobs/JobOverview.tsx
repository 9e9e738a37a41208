import { Anchor, Badge, Group, List, SimpleGrid, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from 'react-router'
import { api, read } from '../api/client'
import { isThere } from '../api/gone'
import type { schemas } from '../api/types'
import { counted } from '../ui/format'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { cronWords } from '../ui/schedule/cron'
import { RunList } from '../ui/schedule/NextRuns'
import { Time } from '../ui/Time'
import { duration } from '../ui/time'
import { draftOf, type Step } from './draft'
import { LastRuns } from './LastRuns'
import { StepWords } from './StepWords'

/** A job in words: what it does, when, and what it did last. */
export default function JobOverview({ job }: { job: schemas['Job'] }) {
  const steps = draftOf(job).steps.map((step, index) => ({ step, number: index + 1 }))
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Section title="What it does">
          <List type="ordered" size="sm" spacing="xs">
            {steps.map(({ step, number }) => (
              <List.Item key={number}>
                {step.name && (
                  <Text span size="sm" fw={600}>
                    {step.name}:{' '}
                  </Text>
                )}
                <StepWords step={step} />
                <StepMarks step={step} />
              </List.Item>
            ))}
          </List>
        </Section>
        <Section title="When it runs">
          <Schedules job={job} />
        </Section>
      </SimpleGrid>
      <Section
        title="Last executions"
        flush
        actions={
          <Anchor component={Link} to={`/executions?job_id=${job.id}`} size="sm">
            All executions
          </Anchor>
        }
      >
        <LastRuns jobId={job.id} />
      </Section>
      <Section title="Failures and limits">
        <Text size="sm">{failureWords(job.failure_policy)}</Text>
        <Text size="sm">
          {job.max_instances
            ? `${counted(job.max_instances, 'execution')} at once at most.`
            : 'Any number of its executions may run at once.'}{' '}
          {job.max_duration_sec
            ? `An execution may take ${duration(job.max_duration_sec * 1000)}.`
            : 'An execution may take as long as it needs.'}
        </Text>
      </Section>
    </Stack>
  )
}

/** What is particular about a step. */
function StepMarks({ step }: { step: Step }) {
  const marks = [
    step.failure_policy && failureMark(step.failure_policy),
    step.timeout_sec && `${duration(step.timeout_sec * 1000)} without progress at most`,
    step.max_duration_sec && `${duration(step.max_duration_sec * 1000)} at most`,
  ].filter(Boolean)
  if (marks.length === 0) return null
  return (
    <Group gap={6} mt={2}>
      {marks.map((mark) => (
        <Badge key={String(mark)} variant="default" size="sm">
          {mark}
        </Badge>
      ))}
    </Group>
  )
}

function Schedules({ job }: { job: schemas['Job'] }) {
  const runs = useQuery({
    queryKey: ['jobs', job.id, 'next-runs'],
    queryFn: () => read(api.GET('/api/jobs/{id}/next-runs', { params: { path: { id: job.id } } })),
    enabled: (query) => isThere(query) && job.enabled && job.schedules.length > 0,
  })
  const schedules = job.schedules.map((schedule, index) => ({ schedule, number: index + 1 }))
  if (schedules.length === 0) return <Text size="sm">Only when somebody or a script runs it.</Text>
  return (
    <Stack gap="sm">
      <List size="sm">
        {schedules.map(({ schedule, number }) => (
          <List.Item key={number}>
            {schedule.cron ? (
              `${cronWords(schedule.cron)} (${schedule.timezone ?? 'UTC'})`
            ) : (
              <>
                Once, <Time at={schedule.at} />
              </>
            )}
          </List.Item>
        ))}
      </List>
      {!job.enabled ? (
        <Text size="sm">It is not enabled, so that it doesn’t run by itself.</Text>
      ) : runs.error ? (
        <Problem error={runs.error} retry={() => void runs.refetch()} />
      ) : runs.data ? (
        <div>
          <Text size="sm" fw={600} mb={2}>
            Next runs
          </Text>
          <RunList runs={runs.data.items} />
        </div>
      ) : (
        <Loading />
      )}
    </Stack>
  )
}

function failureWords(policy: schemas['FailurePolicy']): string {
  const { max_retries: most, backoff_base_sec: first, backoff_max_sec: longest } = policy
  const waits = `after ${first} s, then twice as long each time, ${longest} s at most`
  switch (policy.type) {
    case 'stop':
      return 'When a step fails, the execution fails.'
    case 'skip_and_continue':
      return 'When a step fails, it is skipped and the next one begins.'
    case 'retry_step':
      return `When a step fails by what may pass, it is tried again, ${counted(most, 'time')} at most: ${waits}.`
    case 'retry_job':
      return `When a step fails by what may pass, the job begins again, ${counted(most, 'time')} at most: ${waits}.`
  }
}

function failureMark({ type, max_retries: most }: schemas['FailurePolicy']): string {
  switch (type) {
    case 'stop':
      return 'stops the job where it fails'
    case 'skip_and_continue':
      return 'is skipped where it fails'
    case 'retry_step':
      return `is retried ${counted(most, 'time')}`
    case 'retry_job':
      return `begins the job again, ${counted(most, 'time')}`
  }
}
