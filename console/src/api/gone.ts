import type { Query, QueryClient } from '@tanstack/react-query'

/** Ids of what is being deleted, and of what has been while its page is still there. */
const gone = new Set<string>()
/** Those of them that the server has deleted. */
const deleted = new Set<string>()

/** Is a query about it? Ids are in the keys, and none is part of another one. */
const isAbout = (id: string) => (query: { queryHash: string }) => query.queryHash.includes(id)

/** Is what a query asks for still there, so far as one knows? */
export const isThere = (query: { queryHash: string }) => ![...gone].some((id) => isAbout(id)(query))

/**
 * Nothing of it is read any more: the server tells of its end at once, and its page would ask for it once more before it is
 * left.
 */
export function leaveAlone(id: string) {
  gone.add(id)
}

/** It has not been deleted after all: what happened to it meanwhile is read. */
export function isBack(client: QueryClient, id: string) {
  gone.delete(id)
  void client.invalidateQueries({ predicate: isAbout(id) })
}

/** It is deleted: what is known of it is forgotten as soon as it isn't shown any more. */
export function isDeleted(client: QueryClient, id: string) {
  deleted.add(id)
  forget(client)
}

/** Forgets what is deleted and shown nowhere. Who comes back to its address is told that it isn't there. */
function forget(client: QueryClient) {
  for (const id of deleted) {
    const known = client.getQueryCache().findAll({ predicate: isAbout(id) })
    if (known.some((query: Query) => query.getObserversCount() > 0)) continue
    deleted.delete(id)
    gone.delete(id)
    client.removeQueries({ predicate: isAbout(id) })
  }
}

/** Watches for pages that are left. */
export function forgetDeleted(client: QueryClient) {
  client.getQueryCache().subscribe(({ type }) => {
    if (type === 'observerRemoved' && deleted.size > 0) forget(client)
  })
}
