import { Alert, Box, Button, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { ChevronDown, ChevronRight } from 'lucide-react'
import { useId } from 'react'
import type { schemas } from '../../api/types'
import { counted } from '../../ui/format'
import { type Step, tidy, withSetting } from '../draft'
import { FailurePolicyFields } from '../FailurePolicyFields'
import { LimitInput } from '../LimitInput'
import { StepSetting } from './StepSetting'
import { type StepType, stepTitle } from './stepTypes'

type Props = {
  step: Step
  type: StepType | undefined
  before: Step[]
  types: StepType[]
  onChange: (step: Step, field: string) => void
  /** What is wrong with a field of this step, by its name in the step. */
  error: (field: string) => string | undefined
}

/** A step's settings, made from what its type says of itself: what it needs, and the rest when asked for. */
export function StepForm({ step, type, before, types, onChange, error }: Props) {
  const settings = (type?.settings ?? []).filter((setting) => applies(setting, step))
  const essential = settings.filter(isEssential)
  const rest = settings.filter((setting) => !isEssential(setting))
  const switches = rest.filter(({ type }) => type === 'bool')
  const texts = rest.filter(({ type }) => type !== 'bool')
  const wrong = rest.some(({ name }) => errorOf(error, name)) || ['timeout_sec', 'max_duration_sec'].some(error)
  const [opened, { toggle }] = useDisclosure(false)
  const shown = opened || wrong || Boolean(error('failure_policy'))
  const id = useId()
  const changed = rest.filter(({ name }) => name in step.config).length + limits(step)

  const input = (setting: schemas['StepTypeSetting']) =>
    type && (
      <StepSetting
        key={setting.name}
        {...{ setting, step, type, before, types }}
        value={step.config[setting.name]}
        onChange={(value) =>
          onChange({ ...step, config: withSetting(step.config, setting.name, value) }, `config.${setting.name}`)
        }
        error={errorOf(error, setting.name)}
      />
    )
  const change = (part: Partial<Step>, field: string) => onChange(tidy({ ...step, ...part }), field)
  const unknown = Object.keys(step.config).filter((name) => type && !type.settings.some((s) => s.name === name))

  return (
    <Stack gap="sm">
      {!type && (
        <Alert color="yellow">
          This server knows no step “{step.step_type}”. Its settings can be seen in the JSON and YAML views.
        </Alert>
      )}
      {unknown.length > 0 && (
        <Alert color="yellow">
          This step has settings that its type doesn’t know: {unknown.join(', ')}. Take them out in the JSON or YAML
          view.
        </Alert>
      )}
      {essential.map(input)}
      <Button
        variant="subtle"
        color="gray"
        size="compact-sm"
        onClick={toggle}
        aria-expanded={shown}
        aria-controls={id}
        leftSection={shown ? <ChevronDown size={14} aria-hidden /> : <ChevronRight size={14} aria-hidden />}
        style={{ alignSelf: 'flex-start' }}
      >
        More settings{changed > 0 ? `, ${counted(changed, 'set', 'set')}` : ''}
      </Button>
      <Box id={id}>
        {shown && (
          <Stack gap="sm">
            <TextInput
              label="Name of the step"
              description="For people; it stands in executions and alerts."
              value={step.name ?? ''}
              placeholder={stepTitle(step.step_type)}
              onChange={(event) => change({ name: event.currentTarget.value || undefined }, 'name')}
              error={error('name')}
              autoComplete="off"
            />
            {[texts, switches].map(
              (some) =>
                some[0] && (
                  <SimpleGrid key={some[0].name} cols={{ base: 1, md: 2 }}>
                    {some.map(input)}
                  </SimpleGrid>
                ),
            )}
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              <LimitInput
                seconds
                label="Longest without progress"
                description="Without a byte, a file or a listed entry."
                value={step.timeout_sec}
                onChange={(timeout_sec) => change({ timeout_sec }, 'timeout_sec')}
                error={error('timeout_sec')}
              />
              <LimitInput
                seconds
                label="Longest at all"
                description="Over all attempts and the waits between them."
                value={step.max_duration_sec}
                onChange={(max_duration_sec) => change({ max_duration_sec }, 'max_duration_sec')}
                error={error('max_duration_sec')}
              />
            </SimpleGrid>
            <FailurePolicyFields
              optional
              policy={step.failure_policy}
              onChange={(failure_policy) => change({ failure_policy }, 'failure_policy')}
              error={(field) => error(`failure_policy.${field}`)}
            />
          </Stack>
        )}
      </Box>
    </Stack>
  )
}

const errorOf = (error: Props['error'], name: string) => error(`config.${name}`)

/** Where a file goes afterwards is only asked where it goes somewhere. */
function applies({ name }: schemas['StepTypeSetting'], { config }: Step): boolean {
  return name !== 'move_to' || config.after === 'move' || config.move_to !== undefined
}

/** What a step can't do without, its paths, and what becomes of the source. */
function isEssential(setting: schemas['StepTypeSetting']): boolean {
  return setting.required || ['remote_path', 'local_path', 'json'].includes(setting.type) || setting.name === 'after'
}

function limits({ name, timeout_sec, max_duration_sec, failure_policy }: Step): number {
  return [name, timeout_sec, max_duration_sec, failure_policy].filter((value) => value != null).length
}
