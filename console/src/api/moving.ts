import { useSyncExternalStore } from 'react'

/** A file that moves, as the server told of it last. */
export type MovingFile = {
  step: number
  current_file: string
  bytes_transferred: number
  total_bytes?: number | null
  transfer_rate_bytes_per_sec: number
  eta_sec?: number | null
}

/** What moves in one execution. */
export type Moving = {
  files: MovingFile[]
  bytes_transferred: number
  files_transferred: number
  transfer_rate_bytes_per_sec: number
}

/** Files of one execution that are shown at most. */
const FILES = 50

let moving: ReadonlyMap<string, Moving> = new Map()
const watchers = new Set<() => void>()

const nothing: Moving = { files: [], bytes_transferred: 0, files_transferred: 0, transfer_rate_bytes_per_sec: 0 }

function change(id: string, next: Moving | undefined) {
  const copy = new Map(moving)
  if (next) copy.set(id, next)
  else copy.delete(id)
  moving = copy
  for (const watcher of watchers) watcher()
}

/** A file has come further; at its end it is no longer among those that move. */
export function fileMoved({ execution_id: id, ...file }: MovingFile & { execution_id: string }) {
  const old = moving.get(id) ?? nothing
  const others = old.files.filter((other) => other.current_file !== file.current_file)
  const ended = file.total_bytes != null && file.bytes_transferred >= file.total_bytes
  change(id, { ...old, files: ended ? others : [...others, file].slice(-FILES) })
}

/** A step has come further. */
export function stepMoved({ execution_id: id, ...step }: Omit<Moving, 'files'> & { execution_id: string }) {
  change(id, { ...(moving.get(id) ?? nothing), ...step })
}

/** An execution changed its state: in all but one nothing moves. */
export function executionChanged(id: string, state: string) {
  if (state !== 'running' && moving.has(id)) change(id, undefined)
}

function subscribe(watcher: () => void) {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

/** What moves now, by execution. */
export const useMoving = () => useSyncExternalStore(subscribe, () => moving)
