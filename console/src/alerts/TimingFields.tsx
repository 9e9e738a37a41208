import { Group, Paper, Stack, Switch, TextInput } from '@mantine/core'
import { ZoneSelect } from '../ui/schedule/ZoneSelect'
import type { Part } from './fields'
import { Span } from './Span'
import { Weekdays } from './Weekdays'

/** How often an alert tells the same, and when it keeps quiet. */
export function TimingFields({ draft, set, errors }: Part) {
  const { quiet_hours: quiet } = draft
  const change = (next: Partial<typeof quiet>) => set({ quiet_hours: { ...quiet, ...next } })
  return (
    <Stack gap="sm">
      <Span
        label="The same again after"
        description="What happens meanwhile is held back and told together. 0 tells of everything at once."
        value={draft.repeat_after_sec}
        onChange={(repeat_after_sec) => set({ repeat_after_sec })}
        error={errors.repeat_after_sec}
      />
      <Switch
        label="Quiet hours"
        description="Messages wait until they end, and go out together. None is lost."
        checked={draft.quiet}
        onChange={(event) => set({ quiet: event.currentTarget.checked })}
      />
      {draft.quiet && (
        <Paper withBorder p="sm">
          <Stack gap="sm">
            <Group gap="sm" align="flex-start">
              <TextInput
                label="From"
                type="time"
                value={quiet.from}
                onChange={(event) => change({ from: event.currentTarget.value })}
                error={errors['quiet_hours.from']}
              />
              <TextInput
                label="Until"
                type="time"
                value={quiet.to}
                onChange={(event) => change({ to: event.currentTarget.value })}
                error={errors['quiet_hours.to']}
              />
              <ZoneSelect
                value={quiet.timezone}
                onChange={(timezone) => change({ timezone })}
                error={errors['quiet_hours.timezone']}
              />
            </Group>
            <Weekdays label="Beginning on" value={quiet.weekdays} onChange={(weekdays) => change({ weekdays })} />
          </Stack>
        </Paper>
      )}
    </Stack>
  )
}
