import { Button, Group, Select } from '@mantine/core'
import { useState } from 'react'
import { api, read } from '../api/client'
import { useConnections } from '../api/lists'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'

/** Gives a connection a key, beside those that it has. */
export const addKey = (connectionId: string, keyId: string) =>
  read(api.POST('/api/connections/{id}/keys', { params: { path: { id: connectionId } }, body: { ssh_key_id: keyId } }))

/** Gives a key to one more connection. */
export function GiveKey({ sshKey }: { sshKey: schemas['SshKey'] }) {
  const connections = useConnections()
  const [id, setId] = useState<string | null>(null)
  const others = (connections.data ?? []).filter(
    (connection) => connection.protocol === 'sftp' && !sshKey.used_by?.includes(connection.id),
  )
  const give = useAction({
    run: (connectionId: string) => addKey(connectionId, sshKey.id),
    changes: [['connections'], ['ssh-keys']],
    done: 'The connection has the key now.',
    onDone: () => setId(null),
  })
  if (others.length === 0) return null
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (id) give.mutate(id)
      }}
    >
      <Group gap="xs" align="flex-end">
        <Select
          label="Give it to a connection"
          placeholder="Choose one"
          data={others.map((connection) => ({ value: connection.id, label: connection.name }))}
          value={id}
          onChange={setId}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'None' }}
          w={280}
        />
        <Button type="submit" variant="default" disabled={!id} loading={give.isPending}>
          Add
        </Button>
      </Group>
    </form>
  )
}
