import { Button, Checkbox, Group, List, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { useConnections } from '../api/lists'
import { all } from '../api/pages'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { addKey } from './GiveKey'
import { KeyTypeSelect } from './KeyTypeSelect'
import { nextName } from './names'
import { useNewKeyType } from './useNewKeyType'

type Props = { sshKey: schemas['SshKey']; opened: boolean; onClose: () => void }

/** Begins to replace a key: makes another one and gives it to the connections, beside the old one. */
export function ReplaceKey(props: Props) {
  const keys = useQuery({
    queryKey: ['ssh-keys', 'list', undefined],
    queryFn: () => all((cursor) => read(api.GET('/api/ssh-keys', { params: { query: { limit: 1000, cursor } } }))),
    enabled: props.opened,
  })
  const connections = useConnections()
  const used = connections.data?.filter(({ id }) => props.sshKey.used_by?.includes(id))
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={`Replace “${props.sshKey.name}”`} centered>
      {props.opened &&
        (keys.data && used ? (
          <Form
            {...props}
            used={used}
            name={nextName(
              props.sshKey.name,
              keys.data.map(({ name }) => name),
            )}
          />
        ) : keys.error ? (
          <Problem error={keys.error} />
        ) : (
          <Loading />
        ))}
    </Modal>
  )
}

type FormProps = Props & { used: schemas['Connection'][]; name: string }

function Form({ sshKey, onClose, used, name: proposed }: FormProps) {
  const navigate = useNavigate()
  const [name, setName] = useState(proposed)
  const [type, setType] = useNewKeyType()
  const [on, setOn] = useState(used.map(({ id }) => id))
  // Made already, where a connection didn't take it and somebody tries again.
  const [made, setMade] = useState<schemas['SshKey']>()
  const replace = useAction({
    run: async () => {
      const notes = `Replaces ${sshKey.name}.`
      const key = made ?? (await read(api.POST('/api/ssh-keys/generate', { body: { name, key_type: type, notes } })))
      setMade(key)
      const has = made ? (await read(api.GET('/api/ssh-keys/{id}', { params: { path: { id: key.id } } }))).used_by : []
      for (const id of on.filter((id) => !has?.includes(id))) await addKey(id, key.id)
      return key
    },
    changes: [['ssh-keys'], ['connections']],
    done: (key) => `“${key.name}” is made. Have it installed next.`,
    onDone: (key) => void navigate(`/ssh-keys/${key.id}`),
    quiet: true,
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        replace.mutate()
      }}
    >
      <Stack gap="sm">
        <Text size="sm" component="div">
          No login fails meanwhile:
          <List size="sm" type="ordered" mt={4}>
            <List.Item>A new key is made, and the connections get it beside the old one.</List.Item>
            <List.Item>The partners install its public line.</List.Item>
            <List.Item>A test shows that their servers accept it.</List.Item>
            <List.Item>The old key is revoked, and deleted.</List.Item>
          </List>
        </Text>
        <TextInput
          label="Name of the new key"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          disabled={!!made}
          error={replace.error?.fields.find(({ field }) => field === 'name')?.message}
          autoComplete="off"
          data-autofocus
        />
        <KeyTypeSelect value={type} onChange={setType} />
        <Checkbox.Group label="On these connections" value={on} onChange={setOn}>
          <Stack gap={6} mt={4}>
            {used.map((connection) => (
              <Checkbox key={connection.id} value={connection.id} label={connection.name} />
            ))}
          </Stack>
        </Checkbox.Group>
        {replace.error && <Problem error={replace.error} />}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={replace.isPending} disabled={on.length === 0 || !name.trim()}>
            Make the new key
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
