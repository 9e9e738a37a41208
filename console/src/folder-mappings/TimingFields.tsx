import { Group, NumberInput, SegmentedControl, Select, Stack, Text } from '@mantine/core'
import { CronFields } from '../ui/schedule/CronFields'
import { NextRuns } from '../ui/schedule/NextRuns'
import type { MappingForm } from './useMappingForm'
import type { Unit } from './values'

const units: { value: Unit; label: string }[] = [
  { value: 's', label: 'seconds' },
  { value: 'min', label: 'minutes' },
  { value: 'h', label: 'hours' },
  { value: 'd', label: 'days' },
]

/** When a folder is looked into. */
export function TimingFields({ form }: { form: MappingForm }) {
  const { timing, every, unit, cron, timezone } = form.values
  return (
    <Stack gap="sm">
      <SegmentedControl
        aria-label="When the folder is looked into"
        value={timing}
        onChange={(next) => form.setFieldValue('timing', next === 'cron' ? 'cron' : 'interval')}
        data={[
          { value: 'interval', label: 'Every so often' },
          { value: 'cron', label: 'At set times' },
        ]}
        w="fit-content"
      />
      {timing === 'interval' ? (
        <>
          <Group gap="xs" align="flex-start">
            <NumberInput
              label="Look for files every"
              name="every"
              value={every}
              onChange={(next) => form.setFieldValue('every', next === '' ? '' : Number(next))}
              error={form.errors.interval_sec}
              min={1}
              allowDecimal={false}
              allowNegative={false}
              w={180}
            />
            <Select
              label="Unit"
              data={units}
              value={unit}
              onChange={(next) => form.setFieldValue('unit', units.find(({ value }) => value === next)?.value ?? 'min')}
              allowDeselect={false}
              w={130}
            />
          </Group>
          <Text size="sm" c="dimmed">
            Up to a tenth earlier or later, so that not all folders are looked into at once. A week is the longest.
          </Text>
        </>
      ) : (
        <>
          <CronFields
            value={{ cron, timezone }}
            onChange={(next) => form.setValues(next)}
            errors={{ cron: text(form.errors.cron), timezone: text(form.errors.timezone) }}
          />
          <NextRuns schedules={[{ cron, timezone, missed: 'once' }]} />
        </>
      )}
    </Stack>
  )
}

const text = (error: unknown) => (typeof error === 'string' ? error : undefined)
