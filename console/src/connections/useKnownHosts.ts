import { useQuery } from '@tanstack/react-query'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'

/** The host keys that a connection trusts, and those that wait for somebody to. */
export function useKnownHosts(id: string) {
  return useQuery({
    queryKey: ['connections', id, 'known-hosts'],
    queryFn: async () => (await read(api.GET('/api/connections/{id}/known-hosts', { params: { path: { id } } }))).items,
  })
}

/** Trusts a host key from now on: instead of the ones of its type, or beside them. */
export function useApprove(id: string, onDone: () => void) {
  return useAction({
    run: (body: schemas['ApproveHostKey']) =>
      read(api.POST('/api/connections/{id}/host-key/approve', { params: { path: { id } }, body })),
    changes: [['connections'], ['overview']],
    done: 'The host key is trusted from now on.',
    onDone,
    quiet: true,
  })
}
