import type { schemas } from '../api/types'

/** What a form about a folder mapping holds. */
export type MappingValues = {
  name: string
  remote_path: string
  pattern: string
  /** As the pattern has it, where nothing is said. */
  recursive: boolean | undefined
  /** The one called `default`, where none is chosen. */
  storage_id: string | null
  prefix: string
  timing: 'interval' | 'cron'
  every: number | ''
  unit: Unit
  cron: string
  timezone: string
  ignore: string[]
  min_age_sec: number | ''
  require_stable: boolean
  marker_suffix: string
  identity: schemas['MappingIdentity']
  after_pull: schemas['AfterPull']
  move_to: string
}

export type Unit = 's' | 'min' | 'h' | 'd'

const seconds: Record<Unit, number> = { s: 1, min: 60, h: 3600, d: 86_400 }

/** Names under which programs write what isn't whole yet: what is left out where nothing is said. */
export const unfinished = [
  '.*',
  '*.tmp',
  '*.temp',
  '*.part',
  '*.partial',
  '*.filepart',
  '*.crdownload',
  '*.swp',
  '~*',
  '*~',
]

/** The biggest unit in which it is a whole number. */
export function inUnits(interval: number): { every: number; unit: Unit } {
  const units: Unit[] = ['d', 'h', 'min', 's']
  const unit = units.find((unit) => interval % seconds[unit] === 0) ?? 's'
  return { every: interval / seconds[unit], unit }
}

/** `every 5 minutes`, `every hour`. */
export function everyWords(interval: number): string {
  const { every, unit } = inUnits(interval)
  const one = { s: 'second', min: 'minute', h: 'hour', d: 'day' }[unit]
  return every === 1 ? `every ${one}` : `every ${every} ${one}s`
}

/** A form with what a folder mapping says, or with what is usual. */
export function valuesOf(mapping: schemas['FolderMapping'] | undefined, zone: string): MappingValues {
  return {
    name: mapping?.name ?? '',
    remote_path: mapping?.remote_path ?? '',
    pattern: mapping?.pattern ?? '*',
    recursive: mapping?.recursive,
    storage_id: mapping?.storage_id ?? null,
    prefix: mapping?.prefix ?? '',
    timing: mapping?.cron ? 'cron' : 'interval',
    ...inUnits(mapping?.interval_sec ?? 300),
    cron: mapping?.cron ?? '0 6 * * *',
    timezone: mapping?.cron ? (mapping.timezone ?? 'UTC') : zone,
    ignore: mapping?.ignore ?? unfinished,
    min_age_sec: mapping?.min_age_sec ?? 2,
    require_stable: mapping?.require_stable ?? false,
    marker_suffix: mapping?.marker_suffix ?? '',
    identity: mapping?.identity ?? 'path_and_version',
    after_pull: mapping?.after_pull ?? 'keep',
    move_to: mapping?.move_to ?? '',
  }
}

/** Are files of folders below pulled, as the form stands? */
export const isRecursive = ({ recursive, pattern }: Pick<MappingValues, 'recursive' | 'pattern'>) =>
  recursive ?? pattern.includes('/')

/** What the API is told. What is empty is what it is where nothing is said. */
export function inputOf(values: MappingValues, enabled: boolean): schemas['FolderMappingInput'] {
  const byInterval = values.timing === 'interval'
  return {
    name: values.name.trim() || null,
    remote_path: values.remote_path,
    pattern: values.pattern || null,
    recursive: values.recursive ?? null,
    storage_id: values.storage_id,
    prefix: values.prefix,
    interval_sec: byInterval && values.every !== '' ? values.every * seconds[values.unit] : null,
    cron: byInterval ? null : values.cron,
    timezone: byInterval ? null : values.timezone,
    ignore: values.ignore,
    min_age_sec: values.min_age_sec === '' ? null : values.min_age_sec,
    require_stable: values.require_stable,
    marker_suffix: values.marker_suffix || null,
    identity: values.identity,
    after_pull: values.after_pull,
    move_to: values.after_pull === 'move' ? values.move_to || null : null,
    enabled,
  }
}
