import type { schemas } from '../api/types'
import { cronWords } from '../ui/schedule/cron'
import { everyWords } from './values'

/** `every 5 minutes`, `Every day at 06:00, UTC`. */
export function timingWords(mapping: Pick<schemas['FolderMapping'], 'cron' | 'interval_sec' | 'timezone'>): string {
  if (mapping.cron) return `${cronWords(mapping.cron)}, ${mapping.timezone ?? 'UTC'}`
  return mapping.interval_sec ? everyWords(mapping.interval_sec) : 'at no time'
}
