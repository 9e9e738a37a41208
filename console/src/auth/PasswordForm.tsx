import { Button, Group, PasswordInput, Stack } from '@mantine/core'
import { useForm } from '@mantine/form'
import { api, read } from '../api/client'
import { meKey, useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Problem } from '../ui/Problem'
import { rest, showErrors } from '../ui/refused'
import { useMe } from './session'

/** Changes one's own password. */
export function PasswordForm() {
  const me = useMe()
  const form = useForm({
    initialValues: { current_password: '', new_password: '', again: '' },
    validate: {
      again: (again, { new_password }) => (again === new_password ? null : 'This is not the same as above.'),
    },
  })
  const change = useAction({
    run: (body: schemas['PasswordChange']) => read(api.POST('/api/auth/password', { body })),
    changes: [meKey, ['auth']],
    done: 'The password is changed. Your other sessions have ended.',
    onDone: () => {
      form.reset()
      change.reset()
    },
    quiet: true,
  })
  const submit = form.onSubmit(
    ({ current_password, new_password }) =>
      change.mutate({ current_password, new_password }, { onError: (error) => showErrors(form, error) }),
    () => form.getInputNode('again')?.focus(),
  )
  const error = rest(change.error, ['current_password', 'new_password'])
  return (
    <form onSubmit={submit}>
      <Stack maw={420}>
        {/* Password managers want to know whose it is. */}
        <input type="text" name="username" autoComplete="username" value={me.username} readOnly hidden />
        <PasswordInput
          label="Current password"
          autoComplete="current-password"
          required
          visibilityToggleButtonProps={{ 'aria-label': 'Show the current password' }}
          {...form.getInputProps('current_password')}
        />
        <PasswordInput
          label="New password"
          description="8 characters at least. A long one matters more than a strange one."
          autoComplete="new-password"
          required
          visibilityToggleButtonProps={{ 'aria-label': 'Show the new password' }}
          {...form.getInputProps('new_password')}
        />
        <PasswordInput
          label="New password again"
          autoComplete="new-password"
          required
          visibilityToggleButtonProps={{ 'aria-label': 'Show the new password again' }}
          {...form.getInputProps('again')}
        />
        {error && <Problem error={error} title={error.status === 401 ? 'The current password is wrong' : undefined} />}
        <Group>
          <Button type="submit" loading={change.isPending}>
            Change the password
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
