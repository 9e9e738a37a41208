import { Button, Group, Modal, Stack, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Problem } from '../ui/Problem'

type Props = { sshKey: schemas['SshKey']; opened: boolean; onClose: () => void }

/** Renames a key, and writes its notes. */
export function EditKey(props: Props) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title="Edit the key" centered>
      {props.opened && <Form {...props} />}
    </Modal>
  )
}

function Form({ sshKey, onClose }: Props) {
  const form = useForm({
    initialValues: { name: sshKey.name, notes: sshKey.notes ?? '' },
    validate: { name: (name) => (name.trim() ? null : 'Give it a name.') },
  })
  const save = useAction({
    run: (body: schemas['SshKeyInput']) =>
      read(api.PATCH('/api/ssh-keys/{id}', { params: { path: { id: sshKey.id } }, body })),
    changes: [['ssh-keys'], ['connections']],
    done: 'Saved.',
    onDone: onClose,
    quiet: true,
  })
  const { error } = save
  return (
    <form
      noValidate
      onSubmit={form.onSubmit(
        ({ name, notes }) =>
          save.mutate({ name, notes: notes || null }, { onError: (problem) => form.setErrors(problem.formErrors()) }),
        () => form.getInputNode('name')?.focus(),
      )}
    >
      <Stack gap="sm">
        <TextInput label="Name" withAsterisk data-autofocus autoComplete="off" {...form.getInputProps('name')} />
        <Textarea
          label="Notes"
          description="For example where it is installed, and by whom."
          autosize
          minRows={3}
          {...form.getInputProps('notes')}
        />
        {error && error.fields.length === 0 && <Problem error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
