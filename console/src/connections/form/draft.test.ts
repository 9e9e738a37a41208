import { describe, expect, it } from 'vitest'
import type { schemas } from '../../api/types'
import type { Field, Protocol } from '../protocols'
import {
  applies,
  changesOf,
  draftOf,
  inputOf,
  moves,
  newDraft,
  secretsToType,
  typedSince,
  withProtocol,
  withValue,
} from './draft'

const field = (name: string, more: Partial<Field> = {}): Field => ({
  name,
  type: 'text',
  group: 'login',
  required: false,
  default: null,
  choices: null,
  choices_help: {},
  min: null,
  max: null,
  when: null,
  help: '',
  ...more,
})

const password = field('password', { type: 'secret', when: { field: 'auth_method', is: ['password'] } })
const fingerprint = field('stored_host_fingerprint', {
  group: 'trust',
  when: { field: 'host_key_policy', is: ['manual'] },
})

const sftp: Protocol = {
  name: 'sftp',
  help: '',
  default_port: 22,
  moves_files: true,
  auth_methods: ['ssh_key', 'password'],
  algorithms: null,
  fields: [
    field('host', { required: true }),
    field('port', { type: 'integer', default: 22 }),
    field('auth_method', { type: 'choice', default: 'ssh_key' }),
    field('username'),
    password,
    field('ssh_key_ids', { type: 'keys', when: { field: 'auth_method', is: ['ssh_key'] } }),
    field('max_sessions', { type: 'integer', default: 4 }),
  ],
}

const app: Protocol = {
  ...sftp,
  name: 'azure_function',
  default_port: 443,
  auth_methods: ['service_principal'],
  fields: [field('host'), field('properties.tenant_id'), field('properties.client_id')],
}

const saved = {
  name: 'Acme',
  protocol: 'sftp',
  host: 'acme.example',
  port: 22,
  auth_method: 'password',
  username: 'us',
  has_password: true,
  ssh_key_ids: [],
  max_sessions: 4,
} as unknown as schemas['Connection']

const changed = (values: Record<string, unknown>) => {
  const draft = draftOf(saved, sftp)
  return { ...draft, values: { ...draft.values, ...values } }
}

describe('a draft', () => {
  it('begins with the recommended way to log in', () => {
    expect(newDraft(sftp).values).toEqual({ auth_method: 'ssh_key' })
  })

  it('has fields that follow from others, and their defaults', () => {
    expect(applies(password, newDraft(sftp), sftp)).toBe(false)
    expect(applies(password, newDraft(sftp, { auth_method: 'password' }), sftp)).toBe(true)
    expect(applies(password, { protocol: 'sftp', values: {} }, sftp)).toBe(false)
  })

  it('gives only what is of use', () => {
    const draft = newDraft(sftp, { name: 'Acme', host: 'acme.example', password: 'old', ssh_key_ids: ['1'] })
    expect(inputOf(draft, sftp)).toEqual({
      protocol: 'sftp',
      name: 'Acme',
      host: 'acme.example',
      auth_method: 'ssh_key',
      ssh_key_ids: ['1'],
    })
  })

  it('puts properties into their object', () => {
    const draft = newDraft(app, { host: 'app', 'properties.tenant_id': 't', 'properties.client_id': 'c' })
    expect(inputOf(draft, app)).toEqual({
      protocol: 'azure_function',
      host: 'app',
      properties: { tenant_id: 't', client_id: 'c' },
    })
  })

  it('takes what both protocols know to another one, but neither port nor login', () => {
    const draft = newDraft(sftp, { name: 'Acme', host: 'acme.example', port: 2222, username: 'us' })
    expect(withProtocol(draft, app)).toEqual({
      protocol: 'azure_function',
      values: { name: 'Acme', host: 'acme.example', auth_method: 'service_principal' },
    })
  })
})

describe('changes of a saved connection', () => {
  it('are none while nothing is changed', () => {
    expect(changesOf(saved, draftOf(saved, sftp), sftp)).toEqual({})
  })

  it('name what differs, and null what is taken back', () => {
    expect(changesOf(saved, changed({ host: 'new.example', username: undefined }), sftp)).toEqual({
      host: 'new.example',
      username: null,
    })
  })

  it('keep a secret that is not typed, and remove one that is no longer sent', () => {
    expect(changesOf(saved, changed({ password: 'new' }), sftp)).toEqual({ password: 'new' })
    expect(changesOf(saved, changed({ password: null }), sftp)).toEqual({ password: null })
    expect(changesOf(saved, changed({ auth_method: 'ssh_key' }), sftp)).toEqual({
      auth_method: 'ssh_key',
      password: null,
    })
  })

  it('leave a secret alone that was of no use before', () => {
    const unused = { ...saved, auth_method: 'ssh_key' } as typeof saved
    expect(changesOf(unused, draftOf(unused, sftp), sftp)).toEqual({})
  })

  it('forget what the old server was known by, unless it is given for the new one', () => {
    const protocol = { ...sftp, fields: [...sftp.fields, field('host_key_policy'), fingerprint] }
    const pinned = { ...saved, host_key_policy: 'manual', stored_host_fingerprint: 'SHA256:old' } as typeof saved
    const known = { connection: pinned, protocol }
    const moved = withValue(draftOf(pinned, protocol), 'host', 'other.example', known)
    expect(moved.values.stored_host_fingerprint).toBeUndefined()
    expect(changesOf(pinned, moved, protocol)).toEqual({ host: 'other.example' })
    const same = withValue(moved, 'stored_host_fingerprint', 'SHA256:old', known)
    expect(changesOf(pinned, same, protocol)).toEqual({
      host: 'other.example',
      stored_host_fingerprint: 'SHA256:old',
    })
    expect(withValue(moved, 'host', saved.host, known)).toEqual(draftOf(pinned, protocol))
  })

  it('that are typed while others are being saved stay', () => {
    const sent = changed({ notes: 'call', password: 'new' })
    const now = { ...sent, values: { ...sent.values, notes: 'call Maria' } }
    expect(typedSince(draftOf(saved, sftp), sent, now).values).toMatchObject({ notes: 'call Maria' })
    expect(typedSince(draftOf(saved, sftp), sent, now).values.password).toBeUndefined()
  })

  it('make it another server by host, port or protocol', () => {
    expect(moves(saved, changed({ username: 'other' }), sftp)).toBe(false)
    expect(moves(saved, changed({ port: undefined }), sftp)).toBe(false)
    expect(moves(saved, changed({ port: 2222 }), sftp)).toBe(true)
    expect(moves(saved, changed({ host: 'other.example' }), sftp)).toBe(true)
    expect(moves(saved, newDraft(app), app)).toBe(true)
  })

  it('can be tested once the stored secrets that they need are typed', () => {
    expect(secretsToType(saved, changed({ username: 'other' }), sftp)).toEqual(['password'])
    expect(secretsToType(saved, changed({ username: 'other', password: 'x' }), sftp)).toEqual([])
    expect(secretsToType(saved, changed({ auth_method: 'ssh_key' }), sftp)).toEqual([])
  })
})
