import type { schemas } from '../api/types'
import { periodTime } from '../ui/period'

/** The filters of a history as they stand in the address. */
export type HistoryFilters = Partial<Record<'q' | 'mapping' | 'execution' | 'since' | 'until', string | undefined>>

/**
 * What one types to find files, as the API wants it: 64 hexadecimal digits are a SHA-256, a beginning slash or an ending
 * star asks for paths that begin so, all else for paths with that in them.
 */
export function searched(text: string | undefined): Pick<schemas['ReplayInput'], 'path' | 'prefix' | 'sha256'> {
  const wanted = text?.trim()
  if (!wanted) return {}
  if (/^[0-9a-f]{64}$/i.test(wanted)) return { sha256: wanted.toLowerCase() }
  if (wanted.length > 1 && wanted.endsWith('*')) return { prefix: wanted.slice(0, -1) }
  return wanted.startsWith('/') ? { prefix: wanted } : { path: wanted }
}

/** How {@link searched} reads a text, in words. */
export function searchWords(text: string | undefined): string {
  const { path, prefix, sha256 } = searched(text)
  if (sha256) return 'Files with exactly these bytes.'
  if (prefix) return `Paths that begin with ${prefix}`
  if (path) return `Paths with “${path}” in them. Begin with a slash, or end with a star, to search from the beginning.`
  return 'A part of the path, its beginning (/outbox/2026), or a SHA-256.'
}

/** The filters as the API wants them. */
export function asked({ q, mapping, execution, since, until }: HistoryFilters) {
  const query = {
    ...searched(q),
    mapping_id: mapping,
    execution_id: execution,
    since: periodTime(since),
    until: periodTime(until),
  }
  // What isn't said isn't null.
  return Object.fromEntries(Object.entries(query).filter((pair): pair is [string, string] => !!pair[1]))
}
