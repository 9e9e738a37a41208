import { Alert, Button, Group, List, Stack, Text, ThemeIcon } from '@mantine/core'
import { Check, Circle, CircleDot } from 'lucide-react'
import type { ReactNode } from 'react'
import { api, read } from '../../api/client'
import { useAction } from '../../api/query'
import type { schemas } from '../../api/types'
import { Only } from '../../auth/session'
import { PublicLine } from '../../ssh-keys/PublicLine'
import { notify } from '../../ui/notify'
import { Section } from '../../ui/Section'

type Props = {
  connection: schemas['Connection']
  /** Those that it offers, the newest first. */
  keys: schemas['ConnectionKey'][]
  /** Missing where the user may not. */
  onRevoke: ((key: schemas['ConnectionKey']) => void) | undefined
}

/** What comes next until the newest key is the only one: have it installed, test, revoke the others. */
export function KeyGuide({ connection, keys, onRevoke }: Props) {
  const [newest, ...older] = keys
  const accepted = !!newest?.last_used_at
  if (!newest || (accepted && older.length === 0)) return null
  const replacing = older.length > 0
  return (
    <Section
      title={replacing ? 'Replacing a key' : 'Next: have the key installed'}
      about={replacing ? 'Step by step, without a failed login. It can wait for days in between.' : undefined}
    >
      <Stack gap="md">
        {replacing && (
          <List spacing={4} size="sm" center listStyleType="none" type="ordered">
            <Step state="done">The connection has the new key “{newest.name}”.</Step>
            <Step state={accepted ? 'done' : 'now'}>The partner installs its public line, beside the old one.</Step>
            <Step state={accepted ? 'done' : 'later'}>A login shows that the server accepts it.</Step>
            <Step state={accepted ? 'now' : 'later'}>
              {older.length === 1 ? `The old key “${older[0]?.name}” is revoked.` : 'The old keys are revoked.'}
            </Step>
          </List>
        )}
        {!accepted && <PublicLine sshKey={newest} login={connection} />}
        {!accepted && (
          <Only role="operator">
            <TryIt connection={connection} newest={newest} />
          </Only>
        )}
        {accepted && onRevoke && (
          <Group gap="xs">
            {older.map((key) => (
              <Button key={key.id} color="red" variant="light" onClick={() => onRevoke(key)}>
                Revoke “{key.name}”
              </Button>
            ))}
          </Group>
        )}
      </Stack>
    </Section>
  )
}

const icons = { done: Check, now: CircleDot, later: Circle }
const said = { done: 'Done: ', now: 'Now: ', later: 'Then: ' }

function Step({ state, children }: { state: keyof typeof icons; children: ReactNode }) {
  const Icon = icons[state]
  return (
    <List.Item
      icon={
        <ThemeIcon size={22} radius="xl" variant="light" color={state === 'done' ? 'green' : 'gray'}>
          <Icon size={14} aria-hidden />
        </ThemeIcon>
      }
    >
      <Text span size="sm" fw={state === 'now' ? 600 : 400}>
        {said[state]}
        {children}
      </Text>
    </List.Item>
  )
}

/** Tests the connection, and says whether it was the newest key that the server accepted. */
function TryIt({ connection, newest }: { connection: schemas['Connection']; newest: schemas['ConnectionKey'] }) {
  const test = useAction({
    run: () => read(api.POST('/api/connections/{id}/test', { params: { path: { id: connection.id } } })),
    changes: [['connections'], ['ssh-keys']],
    onDone: (result) => result.success && notify.done('The login works.'),
    quiet: true,
  })
  return (
    <Stack gap="xs" align="flex-start">
      <Button onClick={() => test.mutate()} loading={test.isPending}>
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
        <Alert color="orange" role="status" title={`The login works, but not by “${newest.name}”`}>
          The server still accepts another way to log in, and not this key. The line isn’t installed yet, or not for the
          user {connection.username}.
        </Alert>
      )}
    </Stack>
  )
}
