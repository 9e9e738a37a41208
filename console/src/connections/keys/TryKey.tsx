import { Alert, Button, Stack } from '@mantine/core'
import { api, read } from '../../api/client'
import { useAction } from '../../api/query'
import type { schemas } from '../../api/types'
import { notify } from '../../ui/notify'

type Props = {
  connection: Pick<schemas['Connection'], 'id' | 'name' | 'username'>
  /** The key that the server should accept. */
  name: string
}

/** Tests a connection whose server hasn't accepted a key yet, and says so where it still doesn't. */
export function TryKey({ connection, name }: Props) {
  const test = useAction({
    run: () => read(api.POST('/api/connections/{id}/test', { params: { path: { id: connection.id } } })),
    changes: [['connections'], ['ssh-keys']],
    onDone: (result) => result.success && notify.done('The login works.'),
    quiet: true,
  })
  return (
    <Stack gap="xs" align="flex-start">
      <Button
        onClick={() => test.mutate()}
        loading={test.isPending}
        aria-label={`Test the connection ${connection.name}`}
      >
        Test the connection
      </Button>
      {test.error && (
        <Alert color="red" role="alert" title={test.error.title}>
          {test.error.message}
        </Alert>
      )}
      {test.data && !test.data.success && (
        <Alert color="red" role="alert" title="The test failed">
          {test.data.error_message}
        </Alert>
      )}
      {test.data?.success && !test.isPending && (
        <Alert color="orange" role="status" title={`The login works, but not by “${name}”`}>
          The server still accepts another way to log in, and not this key. The line isn’t installed yet, or not for the
          user {connection.username}.
        </Alert>
      )}
    </Stack>
  )
}
