import { Button, Group, Modal, Select, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { api, read } from '../../api/client'
import { useAction } from '../../api/query'
import type { schemas } from '../../api/types'
import { Problem } from '../../ui/Problem'
import { useTrustRules } from '../trust'

type Props = { opened: boolean; onClose: () => void; suggested: string; onDone: (id: string) => void }

/** Makes a key for the connection that is being set up. */
export function GenerateKey(props: Props) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title="Generate a key" centered>
      {props.opened && <Questions {...props} />}
    </Modal>
  )
}

const types: { value: schemas['KeyType']; label: string; fips: boolean }[] = [
  { value: 'ed25519', label: 'Ed25519: small, fast, modern', fips: false },
  { value: 'ecdsa_256', label: 'ECDSA P-256: where FIPS counts', fips: true },
  { value: 'ecdsa_384', label: 'ECDSA P-384', fips: true },
  { value: 'ecdsa_521', label: 'ECDSA P-521', fips: true },
  { value: 'rsa_4096', label: 'RSA 4096: for old servers', fips: true },
  { value: 'rsa_3072', label: 'RSA 3072', fips: true },
  { value: 'rsa_2048', label: 'RSA 2048', fips: true },
]

function Questions({ onClose, suggested, onDone }: Props) {
  const { fips } = useTrustRules()
  const allowed = types.filter((type) => type.fips || !fips)
  const [name, setName] = useState(suggested)
  const [type, setType] = useState<schemas['KeyType']>()
  const key_type = type ?? allowed[0]?.value ?? 'ecdsa_256'
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
        <Select
          label="Type"
          data={allowed.map(({ value, label }) => ({ value, label }))}
          value={key_type}
          onChange={(value) => setType(allowed.find((known) => known.value === value)?.value)}
          allowDeselect={false}
          error={errors.key_type}
        />
        {make.error && <Problem error={make.error} />}
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
