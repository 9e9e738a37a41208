import { Alert, Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useState } from 'react'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { RoleInput } from '../auth/RoleInput'
import { type Role, useMe } from '../auth/session'
import { Problem } from '../ui/Problem'
import { rest, showErrors } from '../ui/refused'
import { endOf, lifetimes } from './lifetimes'
import { MadeToken } from './MadeToken'
import { ScopesInput } from './ScopesInput'
import { type Extent, powerful, toScopes } from './scopes'

/** Asks what a new token is for, makes it, and shows it this once. */
export function NewToken({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [made, setMade] = useState<schemas['NewToken']>()
  const close = () => {
    setMade(undefined)
    onClose()
  }
  return (
    <Modal
      opened={opened}
      onClose={close}
      title={made ? 'Your new API token' : 'New API token'}
      size="lg"
      centered
      // What is shown only once isn't to go away by a slip.
      closeOnClickOutside={!made}
      closeOnEscape={!made}
    >
      {opened && (made ? <MadeToken token={made} onClose={close} /> : <Form onMade={setMade} onClose={close} />)}
    </Modal>
  )
}

type Values = {
  name: string
  role: Role
  lifetime: string
  date: string
  narrow: boolean
  extents: Record<string, Extent>
}

function Form({ onMade, onClose }: { onMade: (token: schemas['NewToken']) => void; onClose: () => void }) {
  const me = useMe()
  const initialValues: Values = { name: '', role: 'viewer', lifetime: '90', date: '', narrow: false, extents: {} }
  const form = useForm({
    initialValues,
    validate: {
      date: (date, { lifetime }) => {
        if (lifetime !== 'date') return null
        const end = endOf(lifetime, date)
        if (!end) return 'Say on which day it ends.'
        return Date.parse(end) < Date.now() ? 'This day is over.' : null
      },
      extents: (extents, { narrow }) => (narrow && toScopes(extents).length === 0 ? 'Choose at least one part.' : null),
    },
  })
  const make = useAction({
    run: (body: schemas['TokenInput']) => read(api.POST('/api/tokens', { body })),
    changes: [['tokens']],
    onDone: onMade,
    quiet: true,
  })
  const { narrow, extents, role, lifetime } = form.values
  const submit = form.onSubmit(
    ({ name, date }) => {
      const scopes = narrow ? toScopes(extents) : null
      make.mutate(
        { name, role, scopes, expires_at: endOf(lifetime, date) },
        { onError: (error) => showErrors(form, error) },
      )
    },
    (errors) => form.getInputNode(Object.keys(errors)[0] ?? 'name')?.focus(),
  )
  const error = rest(make.error, ['name', 'role'])
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label="Name"
          description="What it is for, such as the script that uses it."
          required
          autoComplete="off"
          data-autofocus
          {...form.getInputProps('name')}
        />
        <Group align="flex-start" grow preventGrowOverflow={false}>
          <Select
            label="Ends"
            data={lifetimes}
            allowDeselect={false}
            value={lifetime}
            onChange={(next) => form.setFieldValue('lifetime', next ?? '90')}
          />
          {lifetime === 'date' && <TextInput label="Last day" type="date" required {...form.getInputProps('date')} />}
        </Group>
        {lifetime === 'never' && (
          <Text size="sm">A token that never ends is good for whoever finds it, for as long as nobody deletes it.</Text>
        )}
        <RoleInput
          most={me.role}
          value={role}
          onChange={(next) => form.setFieldValue('role', next)}
          error={form.errors.role}
        />
        <ScopesInput
          narrow={narrow}
          onNarrow={(next) => form.setFieldValue('narrow', next)}
          extents={extents}
          onChange={(next) => form.setFieldValue('extents', next)}
          error={form.errors.extents}
        />
        {role === 'admin' && narrow && powerful(toScopes(extents)) && (
          <Alert color="orange" title="This is as good as everything">
            <Text size="sm">
              An admin’s token for users or settings can make another admin, or change what holds for everybody.
            </Text>
          </Alert>
        )}
        {error && <Problem error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={make.isPending}>
            Make the token
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
