import { Button, Group, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Problem } from '../ui/Problem'
import { KeyTypeSelect } from './KeyTypeSelect'
import { useNewKeyType } from './useNewKeyType'

type Props = { opened: boolean; onClose: () => void }

/** Makes a key; its page says how it is installed. */
export function GenerateKey({ opened, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="Generate a key" centered>
      {opened && <Form onClose={onClose} />}
    </Modal>
  )
}

function Form({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate()
  const [key_type, setType] = useNewKeyType()
  const form = useForm({
    initialValues: { name: '', notes: '' },
    validate: { name: (name) => (name.trim() ? null : 'Give it a name.') },
  })
  const generate = useAction({
    run: (body: schemas['GenerateKey']) => read(api.POST('/api/ssh-keys/generate', { body })),
    changes: [['ssh-keys']],
    done: (key) => `The key “${key.name}” is made.`,
    onDone: (key) => void navigate(`/ssh-keys/${key.id}`),
    quiet: true,
  })
  const { error } = generate
  return (
    <form
      noValidate
      onSubmit={form.onSubmit(
        ({ notes, ...values }) =>
          generate.mutate(
            { ...values, key_type, notes: notes || null },
            { onError: (problem) => form.setErrors(problem.formErrors()) },
          ),
        () => form.getInputNode('name')?.focus(),
      )}
    >
      <Stack gap="sm">
        <Text size="sm">
          The private half is made here and never leaves Courier. You get the public line to install.
        </Text>
        <TextInput
          label="Name"
          description="For example the partner and the year: Acme 2026."
          withAsterisk
          data-autofocus
          autoComplete="off"
          {...form.getInputProps('name')}
        />
        <KeyTypeSelect
          value={key_type}
          onChange={(type) => {
            setType(type)
            form.clearFieldError('key_type')
          }}
          error={typeof form.errors.key_type === 'string' ? form.errors.key_type : undefined}
        />
        <Textarea label="Notes" autosize minRows={2} {...form.getInputProps('notes')} />
        {error && error.fields.length === 0 && <Problem error={error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={generate.isPending}>
            Generate
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
