import { useSyncExternalStore } from 'react'

let since: Date | undefined
const watchers = new Set<() => void>()

function note(at: Date | undefined) {
  if (since && at) return
  since = at
  for (const watcher of watchers) watcher()
}

/** The stream of what happens has ended, and nobody asked for that. */
export const noteLost = () => note(new Date())

/** There is a stream again, or nobody looks. */
export const noteFound = () => note(undefined)

function subscribe(watcher: () => void) {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

/** Since when the server tells of nothing any more, if so. */
export const useLostSince = () => useSyncExternalStore(subscribe, () => since)
