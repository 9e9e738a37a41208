import { SimpleGrid, Stack, Switch, Textarea, TextInput } from '@mantine/core'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { ScheduleEditor } from '../ui/ScheduleEditor'
import { Section } from '../ui/Section'
import { type Draft, emptyDraft, tidy } from './draft'
import { FailurePolicyFields } from './FailurePolicyFields'
import { LimitInput } from './LimitInput'
import { StepsEditor } from './steps/StepsEditor'
import { useStepTypes } from './steps/stepTypes'

type Props = {
  draft: Draft
  /** `field`: what was changed, as the server names it. */
  onChange: (draft: Draft, field: string) => void
  errors: Record<string, string>
}

/** A job as a form. */
export function JobForm({ draft, onChange, errors }: Props) {
  const types = useStepTypes()
  if (types.error && !types.data) return <Problem error={types.error} retry={() => void types.refetch()} />
  if (!types.data) return <Loading />
  const change = (part: Partial<Draft>, field: string) => onChange(tidy({ ...draft, ...part }), field)
  return (
    <Stack gap="md">
      <Section title="Job">
        <Stack gap="sm">
          <TextInput
            label="Name"
            withAsterisk
            value={draft.name}
            onChange={(event) => change({ name: event.currentTarget.value }, 'name')}
            error={errors.name}
            autoComplete="off"
          />
          <Textarea
            label="What it is for"
            value={draft.description ?? ''}
            onChange={(event) => change({ description: event.currentTarget.value || undefined }, 'description')}
            error={errors.description}
            autosize
            minRows={1}
            maxRows={6}
          />
          <Switch
            label="Enabled"
            description="A job that is not enabled is run neither by its schedules nor by hand."
            checked={draft.enabled}
            onChange={(event) => change({ enabled: event.currentTarget.checked }, 'enabled')}
          />
        </Stack>
      </Section>
      <Section title="Steps">
        <StepsEditor
          steps={draft.steps}
          types={types.data}
          onChange={(steps, field) => change({ steps }, field ?? 'steps')}
          errors={errors}
        />
      </Section>
      <Section title="Schedules">
        <ScheduleEditor
          schedules={draft.schedules ?? []}
          onChange={(schedules) => change({ schedules }, 'schedules')}
          errors={errors}
        />
      </Section>
      <Section title="Failures and limits">
        <Stack gap="sm">
          <FailurePolicyFields
            policy={draft.failure_policy}
            onChange={(policy) => change({ failure_policy: policy ?? emptyDraft.failure_policy }, 'failure_policy')}
            error={(field) => errors[`failure_policy.${field}`]}
          />
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <LimitInput
              label="Executions at once"
              description="Queued, running or paused. One more is refused; one of a schedule is left out."
              value={draft.max_instances}
              onChange={(max_instances) => change({ max_instances }, 'max_instances')}
              error={errors.max_instances}
            />
            <LimitInput
              seconds
              label="Longest execution"
              description="From its start, waits included; pauses don’t count."
              value={draft.max_duration_sec}
              onChange={(max_duration_sec) => change({ max_duration_sec }, 'max_duration_sec')}
              error={errors.max_duration_sec}
            />
          </SimpleGrid>
        </Stack>
      </Section>
    </Stack>
  )
}
