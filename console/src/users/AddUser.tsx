import { Button, Group, Modal, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { RoleInput } from '../auth/RoleInput'
import { Problem } from '../ui/Problem'
import { rest, showErrors } from '../ui/refused'

/** Asks for a new user's name, role and first password. */
export function AddUser({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title="Add a user" centered>
      {opened && <Form onClose={onClose} />}
    </Modal>
  )
}

function Form({ onClose }: { onClose: () => void }) {
  const initialValues: schemas['UserInput'] = { username: '', password: '', role: 'operator' }
  const form = useForm({ initialValues })
  const add = useAction({
    run: (body: schemas['UserInput']) => read(api.POST('/api/users', { body })),
    changes: [['users']],
    done: ({ username }) => `${username} may log in now.`,
    onDone: onClose,
    quiet: true,
  })
  const error = rest(add.error, Object.keys(initialValues))
  return (
    <form onSubmit={form.onSubmit((user) => add.mutate(user, { onError: (refused) => showErrors(form, refused) }))}>
      <Stack>
        <TextInput
          label="User name"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          required
          data-autofocus
          {...form.getInputProps('username')}
        />
        <PasswordInput
          label="Password"
          description="8 characters at least. The user can change it under “My account”."
          autoComplete="new-password"
          required
          {...form.getInputProps('password')}
        />
        <RoleInput
          value={form.values.role}
          onChange={(role) => form.setFieldValue('role', role)}
          error={form.errors.role}
        />
        {error && <Problem error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={add.isPending}>
            Add the user
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
