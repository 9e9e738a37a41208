import { Alert, Stack, Text } from '@mantine/core'
import { api, read } from '../../api/client'
import { codes } from '../../api/problem'
import { useAction } from '../../api/query'
import type { schemas } from '../../api/types'
import { Confirm } from '../../ui/Confirm'
import { Problem } from '../../ui/Problem'

type Props = {
  connection: Pick<schemas['Connection'], 'id' | 'name'>
  /** The one to take away; nothing is asked while there is none. */
  revoked: Pick<schemas['ConnectionKey'], 'id' | 'name'> | undefined
  onClose: () => void
}

/** Takes a key from a connection. Where that would leave it without one that works, it says so and asks again. */
export function RevokeKey({ connection, revoked, onClose }: Props) {
  const revoke = useAction({
    run: ({ id, force }: { id: string; force: boolean }) =>
      read(
        api.POST('/api/connections/{id}/keys/{key_id}/revoke', {
          params: { path: { id: connection.id, key_id: id } },
          body: { force },
        }),
      ),
    changes: [['connections'], ['ssh-keys']],
    done: (key) => `The connection no longer uses “${key.name}”.`,
    onDone: () => close(),
    quiet: true,
  })
  const close = () => {
    revoke.reset()
    onClose()
  }
  const refused = revoke.error?.code === codes.conflict
  return (
    <Confirm
      opened={!!revoked}
      onClose={close}
      title="Revoke the key?"
      typed={revoked?.name}
      action={refused ? 'Revoke all the same' : 'Revoke'}
      busy={revoke.isPending}
      onConfirm={() => revoked && revoke.mutate({ id: revoked.id, force: refused })}
    >
      <Stack gap="xs">
        <Text size="sm">
          “{connection.name}” stops offering the key to its server; sessions that are open go on. The key itself stays
          in the key store, and other connections go on using it. Have its line removed from the server, too.
        </Text>
        {refused && (
          <Alert color="orange" title="No other key is known to work" role="alert">
            <Text size="sm">{revoke.error?.message}</Text>
            <Text size="sm" mt="xs">
              Better: have another key installed, test the connection, then come back. If you revoke it all the same,
              every login fails until then.
            </Text>
          </Alert>
        )}
        {revoke.error && !refused && <Problem error={revoke.error} />}
      </Stack>
    </Confirm>
  )
}
