import { ActionIcon, Alert, Button, Group, Input, Paper, Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { KeyRound, X } from 'lucide-react'
import { useState } from 'react'
import { api, read } from '../../api/client'
import { all } from '../../api/pages'
import type { Login } from '../../ssh-keys/instruction'
import { keyTypeName } from '../../ssh-keys/keyTypes'
import { PublicLine } from '../../ssh-keys/PublicLine'
import { Fold } from '../../ui/Fold'
import { Help } from '../../ui/Help'
import type { Field } from '../protocols'
import { GenerateKey } from './GenerateKey'

type Props = {
  field: Field
  label: string
  value: unknown
  onChange: (ids: string[] | undefined) => void
  error?: string | undefined
  /** What a key made here is called. */
  suggested: string
  /** Where it is to log in. */
  login: Login
  /** The keys are new there, and how they are installed is to be seen. */
  shown: boolean
}

/** The keys that it logs in with: one that is there, or one that is made right here. */
export function KeysField({ field, label, value, onChange, error, suggested, login, shown }: Props) {
  const [making, setMaking] = useState(false)
  const ids = Array.isArray(value) ? value.map(String) : []
  const keys = useQuery({
    queryKey: ['ssh-keys', 'active'],
    queryFn: () =>
      all((cursor) => read(api.GET('/api/ssh-keys', { params: { query: { limit: 1000, status: 'active', cursor } } }))),
  })
  const known = keys.data ?? []
  const chosen = ids.map((id) => known.find((key) => key.id === id) ?? { id, name: id, key_type: '' })
  const rest = known.filter((key) => !ids.includes(key.id))
  const change = (next: string[]) => onChange(next.length > 0 ? next : undefined)
  return (
    <Input.Wrapper
      label={label}
      labelElement="div"
      description={<Help text={field.help} />}
      error={error}
      withAsterisk={field.required}
    >
      <Stack gap="xs" mt="xs">
        {chosen.map((key) => (
          <Paper key={key.id} withBorder p="xs">
            <Group gap="xs" wrap="nowrap" justify="space-between">
              <Group gap="xs" wrap="nowrap" miw={0}>
                <KeyRound size={16} aria-hidden />
                <Text size="sm" fw={500} truncate>
                  {key.name}
                </Text>
                <Text size="xs" c="dimmed">
                  {keyTypeName(key.key_type)}
                </Text>
              </Group>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={`Take away: ${key.name}`}
                onClick={() => change(ids.filter((id) => id !== key.id))}
              >
                <X size={16} />
              </ActionIcon>
            </Group>
            {'public_key' in key && (
              <Fold label={`How to install ${key.name}`} opened={shown}>
                <PublicLine sshKey={key} login={login} />
              </Fold>
            )}
          </Paper>
        ))}
        <Group gap="xs" align="flex-end">
          <Button
            variant={ids.length > 0 || rest.length > 0 ? 'default' : 'light'}
            leftSection={<KeyRound size={16} aria-hidden />}
            onClick={() => setMaking(true)}
          >
            Generate a key
          </Button>
          {rest.length > 0 && (
            <Select
              flex={1}
              miw={180}
              name={field.name}
              aria-label="Choose a key that is there"
              placeholder={ids.length > 0 ? 'Add another one' : 'or choose one that is there'}
              data={rest.map((key) => ({ value: key.id, label: `${key.name} (${keyTypeName(key.key_type)})` }))}
              value={null}
              onChange={(id) => id && change([...ids, id])}
              searchable
              nothingFoundMessage="There is no such key."
            />
          )}
        </Group>
        {keys.error && <Alert color="orange">The keys could not be read: {keys.error.message}</Alert>}
      </Stack>
      <GenerateKey
        opened={making}
        onClose={() => setMaking(false)}
        suggested={suggested}
        onDone={(id) => change([...ids, id])}
      />
    </Input.Wrapper>
  )
}
