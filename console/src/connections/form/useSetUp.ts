import { useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { api, read } from '../../api/client'
import type { ProblemError } from '../../api/problem'
import { useAction } from '../../api/query'
import type { schemas } from '../../api/types'
import { fieldOf } from '../causes'
import type { Protocol } from '../protocols'
import { changesOf, type Draft, inputOf, withValue } from './draft'

type Connection = schemas['Connection']

/** A form’s draft with what was said against it, field by field; what is changed is no longer wrong. */
export function useDraft(first: Draft) {
  const [draft, setDraft] = useState(first)
  const [errors, setErrors] = useState<Record<string, string>>({})
  const [refusals, setRefusals] = useState(0)
  return {
    draft,
    errors,
    /** How often something was said against it. */
    refusals,
    replace: (next: Draft) => {
      setDraft(next)
      setErrors({})
    },
    set: (name: string, value: unknown, saved?: { connection: Connection; protocol: Protocol }) => {
      setDraft((old) => withValue(old, name, value, saved))
      setErrors(({ [name]: _, ...others }) => others)
    },
    /** What the console finds itself. */
    wrong: (found: Record<string, string>) => {
      setErrors(found)
      setRefusals((times) => times + 1)
    },
    refused: (error: ProblemError, protocol: Protocol) => {
      const one = fieldOf(
        error.code,
        protocol.fields.map(({ name }) => name),
      )
      setErrors({ ...error.formErrors(), ...(one ? { [one.field]: one.message } : {}) })
      setRefusals((times) => times + 1)
    },
  }
}

/** Keeps the draft: a new connection, or what changed of a saved one. */
export function useSave(connection: Connection | undefined, onDone: (saved: Connection, sent: Draft) => void) {
  const client = useQueryClient()
  return useAction({
    run: ({ draft, protocol }: { draft: Draft; protocol: Protocol }) => {
      const body = inputOf(draft, protocol)
      if (!connection) return read(api.POST('/api/connections', { body }))
      const params = { path: { id: connection.id } }
      // Another protocol has other fields: nothing of the old one is to stay.
      if (draft.protocol !== connection.protocol) {
        return read(api.PUT('/api/connections/{id}', { params, body: { ...body, status: connection.status } }))
      }
      return read(api.PATCH('/api/connections/{id}', { params, body: changesOf(connection, draft, protocol) }))
    },
    changes: [['connections'], ['overview']],
    done: connection ? 'Saved.' : 'The connection is saved.',
    onDone: (saved, { draft }) => {
      // Known at once, so that the form doesn't go back to what was there before.
      client.setQueryData(['connections', saved.id], saved)
      onDone(saved, draft)
    },
    quiet: true,
  })
}

/** Tries a draft out before it is saved. Nothing is kept, and no host key is trusted from then on. */
export function useTestDraft() {
  return useAction({
    run: ({ draft, protocol }: { draft: Draft; protocol: Protocol }) => {
      const body = inputOf(draft, protocol)
      return read(api.POST('/api/connections/test', { body: { ...body, name: body.name ?? 'New connection' } }))
    },
    changes: [],
    quiet: true,
  })
}

/** Tests a saved connection: its first host key is remembered, and its health is known afterwards. */
export function useTestSaved(id: string) {
  return useAction({
    run: () => read(api.POST('/api/connections/{id}/test', { params: { path: { id } } })),
    changes: [['connections'], ['overview']],
    quiet: true,
  })
}
