import { useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { notify } from '../ui/notify'

/** What is old when a folder mapping changes: its connection's health goes by it, too. */
export const changes = [['folder-mappings'], ['connections'], ['overview']]

/** What can be done with a folder mapping that there is. */
export function useMappingActions() {
  const navigate = useNavigate()
  const run = useAction({
    run: (mapping: schemas['FolderMapping']) =>
      read(api.POST('/api/folder-mappings/{id}/run', { params: { path: { id: mapping.id } } })),
    changes: [...changes, ['executions']],
    onDone: (execution) => void navigate(`/executions/${execution.id}`),
  })
  const enable = useAction({
    run: ({ mapping, enabled }: { mapping: schemas['FolderMapping']; enabled: boolean }) =>
      patch(mapping.id, { enabled }),
    changes,
    onDone: (mapping) =>
      notify.done(
        mapping.enabled
          ? `“${mapping.name}” pulls by itself.`
          : `“${mapping.name}” is switched off; nothing is pulled by itself.`,
      ),
  })
  const remove = useAction({
    run: (mapping: schemas['FolderMapping']) =>
      read(api.DELETE('/api/folder-mappings/{id}', { params: { path: { id: mapping.id } } })),
    changes,
    gone: (mapping) => mapping.id,
    done: (_, mapping) => `“${mapping.name}” is deleted.`,
    onDone: (_, mapping) => void navigate(`/connections/${mapping.connection_id}/folders`),
  })
  const look = useAction({
    run: (id: string) => read(api.POST('/api/folder-mappings/{id}/dry-run', { params: { path: { id } } })),
    changes: [],
    quiet: true,
  })
  return { run, enable, remove, look }
}

/** Changes a folder mapping; what isn't given stays. */
export const patch = (id: string, body: Partial<schemas['FolderMappingInput']>) =>
  read(api.PATCH('/api/folder-mappings/{id}', { params: { path: { id } }, body: changed(body) }))

/** What changes of a folder mapping: the document says "an object", whose fields are those of the input. */
export const changed = (fields: Partial<schemas['FolderMappingInput']>) => fields as Record<string, never>
