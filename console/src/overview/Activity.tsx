import { Button, Group, SegmentedControl, SimpleGrid, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { api, read } from '../api/client'
import { Chart } from '../ui/Chart'
import { Fixed } from '../ui/Fixed'
import { useFilters } from '../ui/filters'
import { bytes, count, counted } from '../ui/format'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { Scroll } from '../ui/Scroll'
import { Section } from '../ui/Section'
import { type Bucket, lastDays, lastHours, total } from './buckets'

/** A week, and the hour that is lost where the clocks are set back. */
const HOURS = 169

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' })
const day = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric' })
const wholeDay = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short' })

const spans = {
  day: {
    words: 'in the last 24 hours',
    of: lastHours,
    name: (from: Date) => clock.format(from),
    full: (from: Date) => `${clock.format(from)} – ${clock.format(new Date(from.getTime() + 3_600_000))}`,
  },
  week: {
    words: 'in the last 7 days',
    of: lastDays,
    name: (from: Date) => day.format(from),
    full: (from: Date) => wholeDay.format(from),
  },
}

/** Files and bytes of the last 24 hours by the hour, and of the last seven days by the day. */
export function Activity() {
  const { values, set } = useFilters('span')
  const [table, setTable] = useState(false)
  const activity = useQuery({
    // Not of the overview's key: that is read again at each change, and this adds up what a week has seen.
    queryKey: ['activity'],
    queryFn: () => read(api.GET('/api/activity', { params: { query: { hours: HOURS } } })),
    refetchInterval: 60_000,
  })
  const span = values.span === 'week' ? spans.week : spans.day
  const buckets = useMemo(() => span.of(activity.data?.items ?? []), [span, activity.data])

  return (
    <Section
      title="What moved"
      actions={
        <>
          <Button variant="subtle" size="xs" onClick={() => setTable(!table)}>
            {table ? 'Show as chart' : 'Show as table'}
          </Button>
          <SegmentedControl
            size="xs"
            aria-label="Time span"
            value={values.span === 'week' ? 'week' : 'day'}
            onChange={(next) => set({ span: next === 'week' ? next : null })}
            data={[
              { value: 'day', label: '24 hours' },
              { value: 'week', label: '7 days' },
            ]}
          />
        </>
      }
    >
      {activity.isPending ? (
        <Loading />
      ) : activity.error && !activity.data ? (
        <Problem error={activity.error} retry={() => void activity.refetch()} />
      ) : table ? (
        <Figures buckets={buckets} span={span} />
      ) : (
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
          <Bars title="Files" what="files" buckets={buckets} span={span} whole />
          <Bars title="Bytes" what="bytes" buckets={buckets} span={span} />
        </SimpleGrid>
      )}
    </Section>
  )
}

type Span = (typeof spans)['day']
type BarsProps = { title: string; what: 'files' | 'bytes'; buckets: Bucket[]; span: Span; whole?: boolean }

function Bars({ title, what, buckets, span, whole }: BarsProps) {
  const [pointed, setPointed] = useState<number>()
  const write = what === 'files' ? (value: number) => counted(value, 'file') : bytes
  const bucket = pointed === undefined ? undefined : buckets[pointed]
  const all = write(total(buckets, what))
  return (
    <div>
      <Group justify="space-between" gap="xs" mb={4}>
        <Text size="sm" fw={600}>
          {title}
        </Text>
        <Text size="sm" c="dimmed">
          {bucket ? `${span.full(bucket.from)}: ${write(bucket[what])}` : `${all} ${span.words}`}
        </Text>
      </Group>
      <Chart
        label={`${title} ${span.words}: ${all}`}
        values={useMemo(() => buckets.map((one) => one[what]), [buckets, what])}
        names={buckets.map((one) => span.name(one.from))}
        format={what === 'files' ? count : (value) => bytes(value).replace(/\.0+ /, ' ')}
        whole={whole}
        color={what === 'files' ? 'indigo' : 'teal'}
        onPoint={setPointed}
      />
    </div>
  )
}

function Figures({ buckets, span }: { buckets: Bucket[]; span: Span }) {
  return (
    <Scroll label={`Files and bytes ${span.words}`} minWidth={320}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>When</Table.Th>
          <Table.Th ta="right">Files</Table.Th>
          <Table.Th ta="right">Bytes</Table.Th>
          <Table.Th ta="right" visibleFrom="xs">
            Failed
          </Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {buckets.toReversed().map((bucket) => (
          <Table.Tr key={bucket.from.getTime()}>
            <Fixed>{span.full(bucket.from)}</Fixed>
            <Fixed ta="right">{count(bucket.files)}</Fixed>
            <Fixed ta="right">{bytes(bucket.bytes)}</Fixed>
            <Fixed ta="right" visibleFrom="xs">
              {count(bucket.failed)}
            </Fixed>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Scroll>
  )
}
