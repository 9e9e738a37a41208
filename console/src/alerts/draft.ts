import type { schemas } from '../api/types'
import { ownZone } from '../ui/schedule/ZoneSelect'
import type { Kind } from './kinds'

type Days = schemas['Weekday'][]

/** An alert as it stands in its form, where nothing is lost that is switched off for a moment. */
export type Draft = {
  name: string
  enabled: boolean
  on: Kind[]
  type: 'webhook' | 'email'
  url: string
  /** `undefined`: the one that is there stays; empty: none. */
  secret: string | undefined
  to: string[]
  jobs: string[]
  connections: string[]
  mappings: string[]
  late_after_sec: number | undefined
  expect: {
    pattern: string
    connection_id: string | null
    job_id: string | null
    by: string
    timezone: string
    weekdays: Days
  }
  quiet: boolean
  quiet_hours: { from: string; to: string; timezone: string; weekdays: Days }
  repeat_after_sec: number | undefined
}

const isKind = (kind: schemas['AlertKind']): kind is Kind => kind !== 'test'

/** The form of an alert that is there, or of a new one. */
export function draftOf(alert?: schemas['Alert']): Draft {
  const channel = alert?.channel
  const expect = alert?.expect
  const quiet = alert?.quiet_hours
  return {
    name: alert?.name ?? '',
    enabled: alert?.enabled ?? true,
    on: alert?.on.filter(isKind) ?? ['execution_failed', 'connection_health'],
    type: channel?.type ?? 'webhook',
    url: channel?.type === 'webhook' ? channel.url : '',
    secret: undefined,
    to: channel?.type === 'email' ? channel.to : [],
    jobs: alert?.jobs ?? [],
    connections: alert?.connections ?? [],
    mappings: alert?.mappings ?? [],
    late_after_sec: alert?.late_after_sec ?? 900,
    expect: {
      pattern: expect?.pattern ?? '',
      connection_id: expect?.connection_id ?? null,
      job_id: expect?.job_id ?? null,
      by: expect?.by ?? '06:30',
      timezone: expect?.timezone ?? ownZone,
      weekdays: expect?.weekdays ?? [],
    },
    quiet: Boolean(quiet),
    quiet_hours: {
      from: quiet?.from ?? '22:00',
      to: quiet?.to ?? '06:00',
      timezone: quiet?.timezone ?? ownZone,
      weekdays: quiet?.weekdays ?? [],
    },
    repeat_after_sec: alert?.repeat_after_sec ?? 3600,
  }
}

/** What the server is given: only what the kinds that are chosen need. */
export function inputOf(draft: Draft): schemas['AlertInput'] {
  const { name, enabled, on, jobs, connections, mappings, repeat_after_sec } = draft
  return {
    name: name.trim(),
    enabled,
    on,
    channel:
      draft.type === 'email'
        ? { type: 'email', to: draft.to }
        : {
            type: 'webhook',
            url: draft.url.trim(),
            ...(draft.secret !== undefined && { secret: draft.secret.trim() || null }),
          },
    jobs,
    connections,
    mappings,
    late_after_sec: on.includes('execution_late') ? (draft.late_after_sec ?? null) : null,
    expect: on.includes('file_missing') ? draft.expect : null,
    quiet_hours: draft.quiet ? draft.quiet_hours : null,
    repeat_after_sec: repeat_after_sec ?? null,
  }
}

/** A new secret in the form that receivers of Standard Webhooks expect: 24 random bytes. */
export function newSecret(): string {
  const random = crypto.getRandomValues(new Uint8Array(24))
  return `whsec_${btoa(String.fromCharCode(...random))}`
}
