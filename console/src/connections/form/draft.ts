import type { schemas } from '../../api/types'
import type { Field, Protocol } from '../protocols'

/**
 * A connection as it stands in the form. Fields by name, those of `properties` as `properties.tenant_id`. `undefined`:
 * not given. A secret is `undefined` while the stored one stays, and `null` where it is to be removed.
 */
export type Draft = { protocol: string; values: Values }
export type Values = Record<string, unknown>

/** What every connection has, whatever its protocol. */
const COMMON = ['name', 'group', 'notes']
/** What makes the server another one. */
const ENDPOINT = ['host', 'port']
/** What one server is known by. */
const PINS = ['stored_host_fingerprint', 'tls_pinned_thumbprint']

export const isSecret = (field: Field) => field.type === 'secret' || field.type === 'long_secret'

/** The port where none is given: FTPS that begins in clear is where FTP is. */
export function defaultPort(draft: Draft, protocol: Protocol): number | undefined {
  if (draft.values.ftps_mode === 'explicit') return 21
  return protocol.default_port ?? undefined
}

/** Must it be given? A login needs a name, other than none. */
export const isRequired = (field: Field, draft: Draft, protocol: Protocol) =>
  field.required || (field.name === 'username' && effective(draft, protocol, 'auth_method') !== 'none')

/** What counts: the value, or else what the protocol takes without one. */
export function effective(draft: Draft, protocol: Protocol, name: string): unknown {
  const field = protocol.fields.find((known) => known.name === name)
  if (name === 'auth_method') return draft.values[name] ?? field?.default ?? protocol.auth_methods[0]
  if (name === 'port') return draft.values[name] ?? defaultPort(draft, protocol)
  return draft.values[name] ?? field?.default ?? undefined
}

/** Is a field of use, as the others stand? */
export function applies(field: Field, draft: Draft, protocol: Protocol): boolean {
  return !field.when || field.when.is.includes(effective(draft, protocol, field.when.field))
}

/** A new connection: the protocol's recommended way to log in is chosen. */
export function newDraft(protocol: Protocol, values: Values = {}): Draft {
  return { protocol: protocol.name, values: { auth_method: protocol.auth_methods[0], ...values } }
}

/** The same connection by another protocol: what both know comes along. */
export function withProtocol(draft: Draft, protocol: Protocol): Draft {
  const known = new Set([...COMMON, ...protocol.fields.map((field) => field.name)])
  const values = Object.fromEntries(
    Object.entries(draft.values).filter(([name]) => known.has(name) && name !== 'auth_method' && name !== 'port'),
  )
  return newDraft(protocol, values)
}

/** A saved connection, to be changed. */
export function draftOf(connection: schemas['Connection'], protocol: Protocol): Draft {
  const stored: Record<string, unknown> = connection
  const names = [...COMMON, ...protocol.fields.filter((field) => !isSecret(field)).map((field) => field.name)]
  const values: Values = {}
  for (const name of names) {
    const value = at(stored, name)
    if (value !== null && value !== undefined) values[name] = value
  }
  return { protocol: connection.protocol, values }
}

function at(object: Record<string, unknown>, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (inner, key) => (typeof inner === 'object' && inner !== null ? Reflect.get(inner, key) : undefined),
      object,
    )
}

/** All that is given, as the API takes it. */
export function inputOf(draft: Draft, protocol: Protocol): schemas['ConnectionInput'] {
  const fields = protocol.fields.filter((field) => applies(field, draft, protocol)).map((field) => field.name)
  const values: [string, unknown][] = []
  for (const name of [...COMMON, ...fields]) {
    const value = draft.values[name]
    if (value !== undefined && value !== null) values.push([name, value])
  }
  return { ...nested(values), protocol: protocol.name }
}

/** Does a saved connection have this secret? */
export function hasSecret(connection: schemas['Connection'] | undefined, name: string): boolean {
  switch (name) {
    case 'password':
      return connection?.has_password ?? false
    case 'client_secret':
      return connection?.has_client_secret ?? false
    case 'client_certificate':
      return connection?.has_client_certificate ?? false
    default:
      return false
  }
}

/** What differs from what is saved, as the API takes it; empty where nothing does. The protocol is the same. */
export function changesOf(
  connection: schemas['Connection'],
  draft: Draft,
  protocol: Protocol,
): schemas['ConnectionInput'] {
  const saved = draftOf(connection, protocol)
  const before = saved.values
  const moved = moves(connection, draft, protocol)
  const changes: [string, unknown][] = []
  for (const name of COMMON) {
    if (!same(before[name], draft.values[name])) changes.push([name, draft.values[name] ?? null])
  }
  let properties = false
  for (const field of protocol.fields) {
    const { name } = field
    const value = draft.values[name]
    const useful = applies(field, draft, protocol)
    if (isSecret(field)) {
      if (useful && value !== undefined) changes.push([name, value])
    } else if (PINS.includes(name) && moved) {
      // The old server's is forgotten without a word; what is given is the new one's, were it the same.
      if (useful && value !== undefined) changes.push([name, value])
    } else if (useful && !same(before[name], value)) {
      if (name.startsWith('properties.')) properties = true
      else changes.push([name, value ?? null])
    }
  }
  for (const name of secretsLeft(connection, draft, protocol)) changes.push([name, null])
  if (properties) {
    const all = protocol.fields.filter((field) => field.name.startsWith('properties.'))
    for (const { name } of all) if (draft.values[name] !== undefined) changes.push([name, draft.values[name]])
  }
  return nested(changes)
}

/** The stored secrets that the login needs no more, as it is changed: they are not kept. */
export function secretsLeft(connection: schemas['Connection'], draft: Draft, protocol: Protocol): string[] {
  const saved = draftOf(connection, protocol)
  return protocol.fields
    .filter((field) => isSecret(field) && hasSecret(connection, field.name))
    .filter((field) => applies(field, saved, protocol) && !applies(field, draft, protocol))
    .map(({ name }) => name)
}

/** A field of the draft has another value. What a saved connection's server was known by doesn't follow to another one. */
export function withValue(
  draft: Draft,
  name: string,
  value: unknown,
  saved?: { connection: schemas['Connection']; protocol: Protocol },
): Draft {
  const next = { ...draft, values: { ...draft.values, [name]: value } }
  if (!saved || draft.protocol !== saved.connection.protocol) return next
  const { connection, protocol } = saved
  const moved = moves(connection, next, protocol)
  if (moved === moves(connection, draft, protocol)) return next
  const before = draftOf(connection, protocol).values
  for (const pin of PINS) {
    if (moved && next.values[pin] === before[pin]) next.values[pin] = undefined
    if (!moved) next.values[pin] ??= before[pin]
  }
  return next
}

/** What was saved, with what has been typed since it was sent. */
export function typedSince(saved: Draft, sent: Draft, now: Draft): Draft {
  if (now.protocol !== sent.protocol) return now
  const later = Object.entries(now.values).filter(([name, value]) => value !== sent.values[name])
  return { ...saved, values: { ...saved.values, ...Object.fromEntries(later) } }
}

/** Would the secrets and pins of a saved connection belong to another server? */
export function moves(connection: schemas['Connection'], draft: Draft, protocol: Protocol): boolean {
  if (draft.protocol !== connection.protocol) return true
  const before = draftOf(connection, protocol)
  return ENDPOINT.some((name) => effective(before, protocol, name) !== effective(draft, protocol, name))
}

/** The stored secrets that a test of the draft would need, which nobody can read back. */
export function secretsToType(connection: schemas['Connection'], draft: Draft, protocol: Protocol): string[] {
  return protocol.fields
    .filter((field) => isSecret(field) && applies(field, draft, protocol))
    .map((field) => field.name)
    .filter((name) => hasSecret(connection, name) && draft.values[name] === undefined)
}

function nested(values: [string, unknown][]): Record<string, unknown> {
  const whole: Record<string, unknown> = {}
  const properties: Record<string, unknown> = {}
  for (const [name, value] of values) {
    if (name.startsWith('properties.')) properties[name.slice('properties.'.length)] = value
    else whole[name] = value
  }
  return Object.keys(properties).length > 0 ? { ...whole, properties } : whole
}

const same = (one: unknown, other: unknown) => JSON.stringify(one ?? null) === JSON.stringify(other ?? null)
