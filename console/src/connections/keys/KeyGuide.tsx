import { Button, Group, List, Stack, Text, ThemeIcon } from '@mantine/core'
import { Check, Circle, CircleDot } from 'lucide-react'
import type { ReactNode } from 'react'
import type { schemas } from '../../api/types'
import { Only } from '../../auth/session'
import { PublicLine } from '../../ssh-keys/PublicLine'
import { Section } from '../../ui/Section'
import { TryKey } from './TryKey'

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
            <TryKey connection={connection} name={newest.name} />
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
