import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'

/** Pulls a file of the history anew. */
export function useReplay(connection: schemas['Connection'], onDone?: (execution: schemas['Execution']) => void) {
  return useAction({
    run: (file: schemas['PulledFile']) =>
      read(
        api.POST('/api/connections/{id}/history/{entry_id}/replay', {
          params: { path: { id: connection.id, entry_id: file.id } },
        }),
      ),
    changes: [['folder-mappings', 'history', connection.id], ['executions'], ['overview']],
    done: (_, file) => `${file.path} is pulled anew. It comes beside what is there.`,
    onDone: (execution) => onDone?.(execution),
  })
}
