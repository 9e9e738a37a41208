import { useQuery } from '@tanstack/react-query'
import { api, read } from '../api/client'
import { all } from '../api/pages'

/** The folder mappings of a connection, all of them. */
export function useMappingsOf(connectionId: string) {
  return useQuery({
    queryKey: ['folder-mappings', { connection: connectionId }],
    queryFn: () =>
      all((cursor) =>
        read(
          api.GET('/api/connections/{id}/folder-mappings', {
            params: { path: { id: connectionId }, query: { limit: 1000, cursor } },
          }),
        ),
      ),
  })
}
