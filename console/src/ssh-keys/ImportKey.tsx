import { Button, FileButton, Group, Modal, PasswordInput, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useForm } from '@mantine/form'
import { FileKey2 } from 'lucide-react'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { codes, type ProblemError } from '../api/problem'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Problem } from '../ui/Problem'
import { LONGEST, readKeyFile } from './readKeyFile'

type Props = { opened: boolean; onClose: () => void }

/** Takes in a key that was made elsewhere. */
export function ImportKey({ opened, onClose }: Props) {
  return (
    <Modal opened={opened} onClose={onClose} title="Import a key" centered size="lg">
      {opened && <Form onClose={onClose} />}
    </Modal>
  )
}

function Form({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate()
  const [file, setFile] = useState<string>()
  const form = useForm({
    initialValues: { name: '', private_key: '', passphrase: '', notes: '' },
    validate: {
      name: (name) => (name.trim() ? null : 'Give it a name.'),
      private_key: (key) => (key.trim() ? null : 'Choose the key’s file, or paste what it holds.'),
    },
  })
  const run = useAction({
    run: (body: schemas['ImportKey']) => read(api.POST('/api/ssh-keys/import', { body })),
    changes: [['ssh-keys']],
    done: (key) => `The key “${key.name}” is imported.`,
    onDone: (key) => void navigate(`/ssh-keys/${key.id}`),
    quiet: true,
  })
  const atField = (problem: ProblemError) => problem.fields.length > 0 || problem.code === codes.invalidPassphrase
  const showError = (problem: ProblemError) => {
    form.setErrors(problem.formErrors())
    if (problem.code !== codes.invalidPassphrase) return
    form.setFieldError('passphrase', problem.message)
    form.getInputNode('passphrase')?.focus()
  }

  const choose = async (chosen: File | null) => {
    if (!chosen) return
    if (chosen.size > LONGEST) {
      form.setFieldError('private_key', 'The file is too long for a private key.')
      return
    }
    form.setFieldValue('private_key', await readKeyFile(chosen))
    setFile(chosen.name)
    if (!form.values.name) form.setFieldValue('name', chosen.name)
  }

  return (
    <form
      noValidate
      onSubmit={form.onSubmit(
        ({ passphrase, notes, ...values }) =>
          run.mutate({ ...values, passphrase: passphrase || null, notes: notes || null }, { onError: showError }),
        (errors) => form.getInputNode(Object.keys(errors)[0] ?? 'name')?.focus(),
      )}
    >
      <Stack gap="sm">
        <Text size="sm">
          A private key in a format of OpenSSH, OpenSSL or PuTTY. A key that is made here is safer: nobody else has it.
        </Text>
        <Group gap="sm" align="center">
          <FileButton onChange={(chosen) => void choose(chosen)}>
            {(props) => (
              <Button {...props} variant="default" leftSection={<FileKey2 size={16} aria-hidden />}>
                Choose its file
              </Button>
            )}
          </FileButton>
          {file && <Text size="sm">{file}</Text>}
        </Group>
        {!file && (
          <Textarea
            label="Or paste it"
            placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
            autosize
            minRows={4}
            maxRows={8}
            autoComplete="off"
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
            {...form.getInputProps('private_key')}
          />
        )}
        {file && form.errors.private_key && (
          <Text size="sm" c="red" role="alert">
            {form.errors.private_key}
          </Text>
        )}
        <PasswordInput
          label="Passphrase"
          description="If it has one. It opens the file once and is not kept."
          autoComplete="new-password"
          {...form.getInputProps('passphrase')}
        />
        <TextInput label="Name" withAsterisk autoComplete="off" {...form.getInputProps('name')} />
        <Textarea label="Notes" autosize minRows={2} {...form.getInputProps('notes')} />
        {run.error && !atField(run.error) && <Problem error={run.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={run.isPending}>
            Import
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
