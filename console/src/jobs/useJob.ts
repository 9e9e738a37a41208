import { useQuery } from '@tanstack/react-query'
import { useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { draftOf, inputOf } from './draft'

type Job = schemas['Job']

/** One job. */
export function useJob(id: string) {
  return useQuery({
    queryKey: ['jobs', id],
    queryFn: () => read(api.GET('/api/jobs/{id}', { params: { path: { id } } })),
  })
}

/** Starts a job and goes where it can be watched. */
export function useRun() {
  const navigate = useNavigate()
  return useAction({
    run: (job: Job) => read(api.POST('/api/jobs/{id}/run', { params: { path: { id: job.id } } })),
    changes: [['executions'], ['jobs'], ['overview']],
    done: (_, job) => `Started “${job.name}”`,
    onDone: (execution) => void navigate(`/executions/${execution.id}`),
  })
}

/** Lets a job run, or not any more. */
export function useEnable() {
  return useAction({
    run: async ({ job, enabled }: { job: Job; enabled: boolean }) => {
      const params = { path: { id: job.id } }
      // A job is replaced as a whole: as it is now, not as it was when the page was read.
      const now = await read(api.GET('/api/jobs/{id}', { params }))
      return read(api.PUT('/api/jobs/{id}', { params, body: inputOf({ ...draftOf(now), enabled }) }))
    },
    changes: [['jobs'], ['overview']],
    done: ({ enabled, name }) => (enabled ? `“${name}” is enabled` : `“${name}” is not enabled any more`),
  })
}
