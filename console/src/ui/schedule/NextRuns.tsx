import { List, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { api, read } from '../../api/client'
import type { ProblemError } from '../../api/problem'
import type { schemas } from '../../api/types'
import { Time } from '../Time'

/** When schedules would run next, by the server, a moment after they were changed. */
export function useNextRuns(schedules: schemas['Schedule'][]) {
  const [asked] = useDebouncedValue(schedules, 300)
  const runs = useQuery<schemas['NextRun'][], ProblemError>({
    // A key of its own: asking is a POST, which the server tells of as a change of jobs, and that would ask again for ever.
    queryKey: ['next-runs', asked],
    queryFn: async () => (await read(api.POST('/api/jobs/next-runs', { body: { schedules: asked, count: 5 } }))).items,
    enabled: asked.length > 0,
    placeholderData: keepPreviousData,
    retry: false,
  })
  // Until the answer is there, those of before stay, and are seen to be so.
  return { ...runs, isOld: JSON.stringify(asked) !== JSON.stringify(schedules) || runs.isPlaceholderData }
}

/** The next five runs of schedules that need not have been saved. */
export function NextRuns({ schedules }: { schedules: schemas['Schedule'][] }) {
  const runs = useNextRuns(schedules)
  if (schedules.length === 0) return null
  if (runs.error) {
    return (
      <Text size="sm" c="red" role="status">
        {runs.error.fields.map(({ message }) => message).join(' ') || runs.error.message}
      </Text>
    )
  }
  return runs.data ? <RunList runs={runs.data} isOld={runs.isOld} /> : null
}

/** Times of runs to come, in the viewer's zone and on the schedule's clocks. */
export function RunList({ runs, isOld = false }: { runs: schemas['NextRun'][]; isOld?: boolean }) {
  if (runs.length === 0) {
    return (
      <Text size="sm" c="dimmed" role="status">
        There is no run to come.
      </Text>
    )
  }
  return (
    <List
      size="sm"
      spacing={2}
      listStyleType="none"
      aria-label="Next runs"
      aria-busy={isOld}
      opacity={isOld ? 0.4 : undefined}
    >
      {runs.map((run) => (
        <List.Item key={`${run.at} ${run.schedule}`}>
          <Time at={run.at} as="full" />{' '}
          <Text span size="sm" c="dimmed">
            <Time at={run.at} as="ago" />
            {clockThere(run)}
          </Text>
        </List.Item>
      ))}
    </List>
  )
}

/** What the schedule's clocks show then, where they are not the viewer's. */
function clockThere(run: schemas['NextRun']): string {
  const here = new Date(run.at)
  const local = run.local.slice(11, 16)
  const same = here.getHours() === Number(local.slice(0, 2)) && here.getMinutes() === Number(local.slice(3))
  return same ? '' : `, ${local} in ${run.timezone}`
}
