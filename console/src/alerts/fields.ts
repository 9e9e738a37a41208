import type { Draft } from './draft'

/** What each part of the form gets. */
export type Part = {
  draft: Draft
  set: (change: Partial<Draft>) => void
  errors: Record<string, string>
}
