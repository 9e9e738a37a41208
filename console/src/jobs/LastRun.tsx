import { Anchor, Group, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { Link } from 'react-router'
import { api, read } from '../api/client'
import { StateBadge } from '../ui/badges'
import { Time } from '../ui/Time'

/** So many of the newest executions are read at once, for all jobs on the page; idle pulls are left out. */
const NEWEST = 200

/** How a job went last, and when. */
export function LastRun({ jobId }: { jobId: string }) {
  const client = useQueryClient()
  const newest = useQuery({
    queryKey: ['executions', 'newest', NEWEST],
    queryFn: () => read(api.GET('/api/executions', { params: { query: { limit: NEWEST, uneventful: false } } })),
  })
  const among = newest.data?.items.find((execution) => execution.job_id === jobId)
  // A job that runs rarely is asked for by itself, once: a new execution of it would be among the newest. The key is none
  // of jobs, or each change of any job would ask for all of these again.
  const asked = newest.data !== undefined && among === undefined && newest.data.next_cursor != null
  const older = useQuery({
    queryKey: ['last-execution', jobId],
    queryFn: () => read(api.GET('/api/executions', { params: { query: { job_id: jobId, limit: 1 } } })),
    enabled: asked,
    staleTime: 300_000,
  })
  // What was asked for before is old once there is a newer one, also when that is no longer among the newest.
  const newer = among?.id
  useEffect(() => {
    if (newer) client.removeQueries({ queryKey: ['last-execution', jobId] })
  }, [client, jobId, newer])
  const run = among ?? (asked ? older.data?.items[0] : undefined)
  if (!run) {
    return (
      <Text size="sm" c="dimmed">
        {newest.data && (!asked || older.data) ? 'Never' : '…'}
      </Text>
    )
  }
  return (
    <Group gap="xs">
      <Anchor
        component={Link}
        to={`/executions/${run.id}`}
        underline="never"
        aria-label={`${run.state}, see the execution`}
      >
        <StateBadge state={run.state} />
      </Anchor>
      <Text size="sm" component="div">
        <Time at={run.ended_at ?? run.started_at ?? run.queued_at} as="ago" />
      </Text>
    </Group>
  )
}
