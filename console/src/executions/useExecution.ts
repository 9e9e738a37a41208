import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, read } from '../api/client'
import { useEvents } from '../api/live'
import type { schemas } from '../api/types'
import { type MovingFile, moved } from './moving'

export type Execution = schemas['Execution']
export type Step = schemas['ExecutionStep']

/** Is it over? */
export const isOver = (state: schemas['ExecutionState']) =>
  state === 'completed' || state === 'failed' || state === 'cancelled'

/** What an execution's own stream tells of what moves. */
export type Live = { files: MovingFile[]; steps: Record<number, schemas['StepProgress']> }

const still: Live = { files: [], steps: {} }

/** An execution, true while one looks at it: its states and steps as they change, its files as they move. */
export function useExecution(id: string) {
  const client = useQueryClient()
  const key = ['executions', id]
  const [live, setLive] = useState<Live>(still)
  const query = useQuery({
    queryKey: key,
    queryFn: () => read(api.GET('/api/executions/{id}', { params: { path: { id } } })),
  })
  const over = query.data ? isOver(query.data.state) : true

  useEvents(over ? undefined : `/api/executions/${id}/events`, {
    state: (data) => {
      const now = data as Execution
      const running = new Set(now.steps.filter((step) => step.state === 'running').map((step) => step.index))
      setLive(({ files, steps }) => ({
        files: files.filter((file) => running.has(file.step)),
        steps: Object.fromEntries(Object.entries(steps).filter(([index]) => running.has(Number(index)))),
      }))
      // The stream leaves out what may be large; what is known of it stays until it is read again.
      client.setQueryData<Execution>(key, (old) => ({ ...old, ...now, context: old?.context, history: old?.history }))
      void client.invalidateQueries({ queryKey: key })
    },
    progress: (data) => setLive((old) => ({ ...old, files: moved(old.files, data as schemas['Progress']) })),
    summary: (data) => {
      const step = data as schemas['StepProgress']
      setLive((old) => ({ ...old, steps: { ...old.steps, [step.step]: step } }))
    },
  })

  return { ...query, live: over ? still : live }
}
