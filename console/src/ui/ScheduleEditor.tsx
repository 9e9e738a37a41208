import { ActionIcon, Button, Group, Paper, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core'
import { Plus, Trash2 } from 'lucide-react'
import type { schemas } from '../api/types'
import { fromLocalInput, localInput } from './period'
import { CronFields } from './schedule/CronFields'
import { RunList, useNextRuns } from './schedule/NextRuns'
import { ownZone } from './schedule/ZoneSelect'
import { useKeys } from './useKeys'

type Schedule = schemas['Schedule']

type Props = {
  schedules: Schedule[]
  onChange: (schedules: Schedule[]) => void
  /** What the server found, as it names the fields: `schedules[0].cron`. */
  errors?: Record<string, string>
}

const missed = [
  { value: 'once', label: 'Make up for them by one run' },
  { value: 'skip', label: 'Leave them out' },
  { value: 'all', label: 'Make up for each of them' },
]

/** When something runs by itself: any number of schedules, with the next runs of all of them. */
export function ScheduleEditor({ schedules, onChange, errors = {} }: Props) {
  const rows = useKeys(schedules.length)
  const runs = useNextRuns(schedules)
  const found = { ...errors, ...runs.error?.formErrors() }
  const change = (index: number, schedule: Schedule) => onChange(schedules.with(index, schedule))
  return (
    <Stack gap="sm">
      {schedules.length === 0 && (
        <Text size="sm" c="dimmed">
          It runs only when somebody or a script runs it.
        </Text>
      )}
      {schedules.map((schedule, index) => (
        <One
          key={rows.keys[index]}
          number={index + 1}
          schedule={schedule}
          onChange={(next) => change(index, next)}
          onRemove={() => {
            rows.remove(index)
            onChange(schedules.toSpliced(index, 1))
          }}
          error={(field) => found[`schedules[${index}]${field && `.${field}`}`]}
        />
      ))}
      <Group>
        <Button
          variant="default"
          size="xs"
          leftSection={<Plus size={14} aria-hidden />}
          onClick={() => {
            rows.insert(schedules.length)
            onChange([...schedules, { cron: '0 2 * * *', timezone: ownZone, missed: 'once' }])
          }}
        >
          Add a schedule
        </Button>
      </Group>
      {schedules.length > 0 && (
        <div>
          <Text size="sm" fw={500}>
            Next runs
          </Text>
          {runs.error ? (
            <Text size="sm" c="dimmed" role="status">
              They can be seen when the schedules are right.
            </Text>
          ) : (
            runs.data && <RunList runs={runs.data} isOld={runs.isOld} />
          )}
        </div>
      )}
    </Stack>
  )
}

type OneProps = {
  number: number
  schedule: Schedule
  onChange: (schedule: Schedule) => void
  onRemove: () => void
  error: (field: string) => string | undefined
}

function One({ number, schedule, onChange, onRemove, error }: OneProps) {
  const once = schedule.at != null
  return (
    <Paper withBorder p="sm" role="group" aria-label={`Schedule ${number}`}>
      <Stack gap="sm">
        <Group justify="space-between" wrap="nowrap">
          <SegmentedControl
            size="xs"
            aria-label="Kind of schedule"
            data={[
              { value: 'repeats', label: 'Again and again' },
              { value: 'once', label: 'Once' },
            ]}
            value={once ? 'once' : 'repeats'}
            onChange={(kind) =>
              onChange(
                kind === 'once'
                  ? { at: soon(), timezone: schedule.timezone ?? ownZone, missed: schedule.missed }
                  : { cron: '0 2 * * *', timezone: schedule.timezone ?? ownZone, missed: schedule.missed },
              )
            }
          />
          <ActionIcon variant="subtle" color="gray" onClick={onRemove} aria-label={`Remove schedule ${number}`}>
            <Trash2 size={16} />
          </ActionIcon>
        </Group>
        {once ? (
          <TextInput
            type="datetime-local"
            label="At"
            description={`By your clock (${ownZone}).`}
            value={localInput(schedule.at ?? undefined)}
            onChange={(event) => {
              const at = fromLocalInput(event.currentTarget.value)
              if (at) onChange({ ...schedule, at })
            }}
            error={error('at') ?? error('')}
          />
        ) : (
          <CronFields
            value={{ cron: schedule.cron ?? '', timezone: schedule.timezone ?? 'UTC' }}
            onChange={(value) => onChange({ ...schedule, ...value })}
            errors={{ cron: error('cron') ?? error(''), timezone: error('timezone') }}
          />
        )}
        <Select
          label="Runs that were missed"
          description="What becomes of runs that were due while nothing ran."
          data={missed}
          value={schedule.missed ?? 'once'}
          allowDeselect={false}
          onChange={(next) => next && onChange({ ...schedule, missed: next as schemas['MissedRuns'] })}
          error={error('missed')}
        />
      </Stack>
    </Paper>
  )
}

/** The next full hour, as the server writes times. */
function soon(): string {
  const at = new Date()
  at.setHours(at.getHours() + 1, 0, 0, 0)
  return at.toISOString()
}
