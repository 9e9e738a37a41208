import type { schemas } from '../api/types'

/** A file of which nothing was told for so long doesn't move any more, milliseconds. */
const SILENT = 10_000

/** A file that moves, and when that was told. */
export type MovingFile = schemas['Progress'] & { told: number }

/** The files that move after one of them has; those that are there or silent are left out. */
export function moved(files: MovingFile[], file: schemas['Progress'], now = Date.now()): MovingFile[] {
  const isIt = (other: MovingFile) => other.current_file === file.current_file && other.step === file.step
  const others = files.filter((other) => isIt(other) || now - other.told < SILENT)
  if (file.total_bytes != null && file.bytes_transferred >= file.total_bytes) return others.filter((o) => !isIt(o))
  const next = { ...file, told: now }
  return others.some(isIt) ? others.map((other) => (isIt(other) ? next : other)) : [...others, next]
}
