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

/** At most so often what moves is drawn again, milliseconds: with many files there are hundreds of events a second. */
const DRAWN = 250

const moving = new Map<string, Moving>()
let drawn: ReadonlyMap<string, Moving> = new Map()
let waiting = false
const watchers = new Set<() => void>()

const nothing: Moving = { files: [], bytes_transferred: 0, files_transferred: 0, transfer_rate_bytes_per_sec: 0 }

function draw() {
  waiting = false
  drawn = new Map(moving)
  for (const watcher of watchers) watcher()
}

function change(id: string, next: Moving | undefined) {
  if (next) moving.set(id, next)
  else moving.delete(id)
  if (!waiting) setTimeout(draw, DRAWN)
  waiting = true
}

/** A file has come further; at its end it is no longer among those that move. */
export function fileMoved({ execution_id: id, ...file }: MovingFile & { execution_id: string }) {
  const old = moving.get(id) ?? nothing
  const ended = file.total_bytes != null && file.bytes_transferred >= file.total_bytes
  const place = old.files.findIndex((other) => other.current_file === file.current_file)
  const files = [...old.files]
  // Each keeps its place, so that bars don't jump about.
  if (ended && place >= 0) files.splice(place, 1)
  else if (place >= 0) files[place] = file
  else if (!ended) files.push(file)
  change(id, { ...old, files: files.slice(-FILES) })
}

/** A step has come further. */
export function stepMoved({ execution_id: id, ...step }: Omit<Moving, 'files'> & { execution_id: string }) {
  change(id, { ...(moving.get(id) ?? nothing), ...step })
}

/** An execution changed its state: in all but one nothing moves. */
export function executionChanged(id: string, state: string) {
  if (state !== 'running' && moving.has(id)) change(id, undefined)
}

/** Nothing was told for a while: what ended meanwhile would seem to move for ever. What still does is told of again. */
export function forgetMoving() {
  for (const [id, { files, ...sums }] of moving) change(id, { ...sums, files: [] })
}

function subscribe(watcher: () => void) {
  watchers.add(watcher)
  return () => watchers.delete(watcher)
}

/** What moves now, by execution. */
export const useMoving = () => useSyncExternalStore(subscribe, () => drawn)
