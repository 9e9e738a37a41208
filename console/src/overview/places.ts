import type { schemas } from '../api/types'

type Thing = Pick<schemas['AttentionItem'], 'id' | 'connection_id'> & {
  kind: schemas['AttentionKind'] | schemas['ExpiringKind']
}

/** The page where something is looked after. */
export function placeOf({ kind, id, connection_id: connection }: Thing): string {
  switch (kind) {
    case 'connection':
      return `/connections/${id}`
    case 'folder_mapping':
      return `/connections/${connection}/folders?mapping=${id}`
    case 'job':
      return `/jobs/${id}`
    case 'alert':
      return id ? `/alerts/${id}` : '/alerts'
    case 'certificate':
    case 'server_certificate':
    case 'client_certificate':
      return `/connections/${connection ?? id}`
    case 'ssh_key':
      return `/ssh-keys/${id}`
    case 'token':
      return '/tokens'
    case 'listener_certificate':
    case 'server':
      return '/settings'
  }
}
