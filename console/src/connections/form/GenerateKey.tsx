import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { api, read } from '../../api/client'
import { useAction } from '../../api/query'
import { KeyTypeSelect } from '../../ssh-keys/KeyTypeSelect'
import { useNewKeyType } from '../../ssh-keys/useNewKeyType'
import { Problem } from '../../ui/Problem'

type Props = { opened: boolean; onClose: () => void; suggested: string; onDone: (id: string) => void }

/** Makes a key for the connection that is being set up. */
export function GenerateKey(props: Props) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title="Generate a key" centered>
      {props.opened && <Questions {...props} />}
    </Modal>
  )
}

function Questions({ onClose, suggested, onDone }: Props) {
  const [name, setName] = useState(suggested)
  const [key_type, setType] = useNewKeyType()
  const make = useAction({
    run: () => read(api.POST('/api/ssh-keys/generate', { body: { name: name.trim(), key_type } })),
    changes: [['ssh-keys']],
    quiet: true,
    onDone: (key) => {
      onDone(key.id)
      onClose()
    },
  })
  const errors = make.error?.formErrors() ?? {}
  return (
    <form
      noValidate
      onSubmit={(event) => {
        // The form that this one was opened from is not meant.
        event.preventDefault()
        event.stopPropagation()
        make.mutate()
      }}
    >
      <Stack gap="sm">
        <Text size="sm">
          The private half is sealed in Courier and never leaves it. The public line is for the partner, who installs
          it.
        </Text>
        <TextInput
          label="Name of the key"
          name="key_name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={errors.name}
          required
          autoComplete="off"
          data-autofocus
        />
        <KeyTypeSelect value={key_type} onChange={setType} error={errors.key_type} />
        {make.error && make.error.fields.length === 0 && <Problem error={make.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={make.isPending} disabled={!name.trim()}>
            Generate
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
