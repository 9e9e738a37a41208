import { Button, Group, Modal, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { api, read } from '../../api/client'
import { all } from '../../api/pages'
import { useAction } from '../../api/query'
import type { schemas } from '../../api/types'
import { KeyTypeSelect } from '../../ssh-keys/KeyTypeSelect'
import { keyTypeName } from '../../ssh-keys/keyTypes'
import { useNewKeyType } from '../../ssh-keys/useNewKeyType'
import { Loading } from '../../ui/Loading'
import { Problem } from '../../ui/Problem'

type Props = {
  connection: schemas['Connection']
  /** The keys that it has. */
  has: string[]
  /** A new one, or one of the key store; nothing is asked while it is missing. */
  how: 'generate' | 'existing' | undefined
  onClose: () => void
}

/** Gives a connection another key. */
export function AddKey(props: Props) {
  const { how, onClose } = props
  return (
    <Modal
      opened={!!how}
      onClose={onClose}
      title={how === 'existing' ? 'Add an existing key' : 'Generate a key'}
      centered
    >
      {how === 'generate' && <Generate {...props} />}
      {how === 'existing' && <Existing {...props} />}
    </Modal>
  )
}

function useAddKey({ connection, onClose }: Props) {
  return useAction({
    run: (body: schemas['AddConnectionKey']) =>
      read(api.POST('/api/connections/{id}/keys', { params: { path: { id: connection.id } }, body })),
    changes: [['connections'], ['ssh-keys']],
    done: (key) => `The connection has the key “${key.name}” now.`,
    onDone: onClose,
    quiet: true,
  })
}

function Generate(props: Props) {
  const [type, setType] = useNewKeyType()
  const add = useAddKey(props)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        add.mutate({ generate: type })
      }}
    >
      <Stack gap="sm">
        <Text size="sm">
          The private half stays in Courier. The public line, which you get next, is what the partner installs. The keys
          that the connection has stay, so nothing fails meanwhile.
        </Text>
        <KeyTypeSelect value={type} onChange={setType} />
        {add.error && <Problem error={add.error} />}
        <Buttons onClose={props.onClose} busy={add.isPending} action="Generate" />
      </Stack>
    </form>
  )
}

function Existing(props: Props) {
  const [id, setId] = useState<string | null>(null)
  const add = useAddKey(props)
  const keys = useQuery({
    queryKey: ['ssh-keys', 'active'],
    queryFn: () =>
      all((cursor) => read(api.GET('/api/ssh-keys', { params: { query: { status: 'active', limit: 1000, cursor } } }))),
  })
  if (keys.error && !keys.data) return <Problem error={keys.error} retry={() => void keys.refetch()} />
  if (!keys.data) return <Loading />
  const others = keys.data.filter((key) => !props.has.includes(key.id))
  if (others.length === 0) {
    return <Text size="sm">There is no other active key. Generate one, or import one on the page “SSH keys”.</Text>
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (id) add.mutate({ ssh_key_id: id })
      }}
    >
      <Stack gap="sm">
        <Select
          label="Key"
          description="A key of its own for each partner is safer: revoked at one, it goes on at the others."
          data={others.map((key) => ({ value: key.id, label: `${key.name} (${keyTypeName(key.key_type)})` }))}
          value={id}
          onChange={setId}
          searchable
          data-autofocus
          nothingFoundMessage="There is no active key of that name."
        />
        {add.error && <Problem error={add.error} />}
        <Buttons onClose={props.onClose} busy={add.isPending} disabled={!id} action="Add" />
      </Stack>
    </form>
  )
}

function Buttons(props: { onClose: () => void; busy: boolean; disabled?: boolean; action: string }) {
  return (
    <Group justify="flex-end" gap="xs">
      <Button variant="default" onClick={props.onClose}>
        Cancel
      </Button>
      <Button type="submit" loading={props.busy} disabled={props.disabled}>
        {props.action}
      </Button>
    </Group>
  )
}
