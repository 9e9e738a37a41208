import { NumberInput, Select, SimpleGrid, Stack } from '@mantine/core'
import type { schemas } from '../api/types'

type Policy = schemas['FailurePolicy']

type Props = {
  /** Nothing: what the job says counts. */
  policy: Policy | null | undefined
  onChange: (policy: Policy | undefined) => void
  /** True for a step, which may leave it to the job. */
  optional?: boolean
  error: (field: string) => string | undefined
}

const actions: Record<schemas['FailureAction'], string> = {
  stop: 'Stop: the execution fails',
  retry_step: 'Try the step again',
  retry_job: 'Begin the job again',
  skip_and_continue: 'Skip the step and go on',
}

const AS_JOB = 'job'

/** What happens when a step fails. */
export function FailurePolicyFields({ policy, onChange, optional, error }: Props) {
  const retries = policy?.type === 'retry_step' || policy?.type === 'retry_job'
  return (
    <Stack gap="sm">
      <Select
        label={optional ? 'When this step fails' : 'When a step fails'}
        description="Retried is only what may pass: a broken line, a busy server, a timeout, files that have not come. A rejected login never is."
        data={[
          ...(optional ? [{ value: AS_JOB, label: 'As the job says' }] : []),
          ...Object.entries(actions).map(([value, label]) => ({ value, label })),
        ]}
        value={policy?.type ?? AS_JOB}
        allowDeselect={false}
        onChange={(type) =>
          onChange(
            type && type !== AS_JOB
              ? { max_retries: 3, backoff_base_sec: 1, backoff_max_sec: 60, ...policy, type: type as Policy['type'] }
              : undefined,
          )
        }
        error={error('type')}
      />
      {policy && retries && (
        <SimpleGrid cols={{ base: 1, xs: 3 }}>
          <Whole
            label="Retries at most"
            value={policy.max_retries}
            onChange={(max_retries) => onChange({ ...policy, max_retries })}
            error={error('max_retries')}
          />
          <Whole
            label="First wait, seconds"
            value={policy.backoff_base_sec}
            onChange={(backoff_base_sec) => onChange({ ...policy, backoff_base_sec })}
            error={error('backoff_base_sec')}
          />
          <Whole
            label="Longest wait, seconds"
            value={policy.backoff_max_sec}
            onChange={(backoff_max_sec) => onChange({ ...policy, backoff_max_sec })}
            error={error('backoff_max_sec')}
          />
        </SimpleGrid>
      )}
    </Stack>
  )
}

type WholeProps = {
  label: string
  value: number | undefined
  onChange: (value: number) => void
  error: string | undefined
}

function Whole({ label, value, onChange, error }: WholeProps) {
  return (
    <NumberInput
      label={label}
      value={value ?? ''}
      min={0}
      allowDecimal={false}
      allowNegative={false}
      onChange={(next) => typeof next === 'number' && onChange(next)}
      error={error}
    />
  )
}
