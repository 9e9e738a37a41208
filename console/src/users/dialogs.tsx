import { Button, Group, Modal, PasswordInput, Stack, Text } from '@mantine/core'
import { useForm } from '@mantine/form'
import { type FormEvent, type ReactNode, useState } from 'react'
import { api, read } from '../api/client'
import type { ProblemError } from '../api/problem'
import { meKey, useAction } from '../api/query'
import type { schemas } from '../api/types'
import { RoleInput } from '../auth/RoleInput'
import { Confirm } from '../ui/Confirm'
import { Problem } from '../ui/Problem'
import { rest, showErrors } from '../ui/refused'
import { useFocusBack } from '../ui/useFocusBack'

type Props = { user: schemas['User']; onClose: () => void }

/** What all changes of a user have in common: they are asked for in a dialog, which stays open when one is refused. */
function useChange({ user, onClose }: Props, done: string) {
  return useAction({
    run: (body: schemas['UserPatch']) =>
      read(api.PATCH('/api/users/{id}', { params: { path: { id: user.id } }, body })),
    changes: [['users'], meKey],
    done,
    onDone: onClose,
    quiet: true,
  })
}

/** Gives a user another role. */
export function ChangeRole(props: Props) {
  const { user, onClose } = props
  const [role, setRole] = useState(user.role)
  const change = useChange(props, `The role of ${user.username} is changed.`)
  return (
    <Dialog
      title={`Change the role of ${user.username}`}
      action="Change the role"
      busy={change.isPending}
      error={change.error}
      onClose={onClose}
      onSubmit={(event) => {
        event.preventDefault()
        if (role === user.role) onClose()
        else change.mutate({ role })
      }}
    >
      <RoleInput value={role} onChange={setRole} />
    </Dialog>
  )
}

/** Gives a user another password, for one who has lost theirs. */
export function NewPassword(props: Props) {
  const { user, onClose } = props
  const form = useForm({ initialValues: { password: '' } })
  const change = useChange(props, `${user.username} has a new password.`)
  return (
    <Dialog
      title={`Set a new password for ${user.username}`}
      action="Set the password"
      busy={change.isPending}
      error={rest(change.error, ['password'])}
      onClose={onClose}
      onSubmit={form.onSubmit((body) => change.mutate(body, { onError: (error) => showErrors(form, error) }))}
    >
      <Text size="sm">The user’s sessions end. API tokens stay as they are.</Text>
      <PasswordInput
        label="New password"
        description="8 characters at least."
        autoComplete="new-password"
        required
        data-autofocus
        {...form.getInputProps('password')}
      />
    </Dialog>
  )
}

/** Deletes a user for good. */
export function DeleteUser({ user, onClose }: Props) {
  const remove = useAction({
    run: () => read(api.DELETE('/api/users/{id}', { params: { path: { id: user.id } } })),
    changes: [['users'], ['tokens']],
    done: `${user.username} is deleted.`,
    onDone: onClose,
    quiet: true,
  })
  return (
    <Confirm
      opened
      onClose={onClose}
      title={`Delete ${user.username}`}
      action="Delete the user"
      typed={user.username}
      busy={remove.isPending}
      onConfirm={() => remove.mutate()}
    >
      <Stack gap="xs">
        <span>
          The user’s sessions and API tokens end, and scripts that use them fail. What the user did stays in the audit
          log. To keep somebody out for a while, disable the user instead.
        </span>
        {remove.error && <Problem error={remove.error} />}
      </Stack>
    </Confirm>
  )
}

type DialogProps = {
  title: string
  action: string
  busy: boolean
  error: ProblemError | null | undefined
  onClose: () => void
  onSubmit: (event: FormEvent<HTMLFormElement>) => void
  children: ReactNode
}

function Dialog({ title, action, busy, error, onClose, onSubmit, children }: DialogProps) {
  useFocusBack()
  return (
    <Modal opened onClose={onClose} title={title} centered>
      <form onSubmit={onSubmit}>
        <Stack>
          {children}
          {error && <Problem error={error} />}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={busy}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
