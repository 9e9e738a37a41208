import { Alert, Button, Group, PasswordInput, Radio, Stack, TagsInput, Text, TextInput } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import type { schemas } from '../api/types'
import { Copy } from '../ui/Copy'
import { newSecret } from './draft'
import type { Part } from './fields'

type Props = Part & {
  /** Whom the saved alert tells. */
  saved: schemas['AlertChannel'] | undefined
}

/** Whom an alert tells: a webhook, or people by mail. */
export function ChannelFields(props: Props) {
  const { draft, set, errors } = props
  return (
    <Stack gap="sm">
      <Radio.Group
        label="By"
        value={draft.type}
        onChange={(type) => set({ type: type === 'email' ? 'email' : 'webhook' })}
      >
        <Group gap="md" mt={6}>
          <Radio value="webhook" label="Webhook" />
          <Radio value="email" label="Mail" />
        </Group>
      </Radio.Group>
      {draft.type === 'email' ? (
        <TagsInput
          label="To"
          description="1 to 50 mail addresses, each ended by Enter. An admin says in the settings how mail is sent."
          placeholder={draft.to.length === 0 ? 'ops@example.com' : undefined}
          withAsterisk
          value={draft.to}
          onChange={(to) => set({ to })}
          error={errors['channel.to']}
          splitChars={[',', ' ', ';']}
          acceptValueOnBlur
        />
      ) : (
        <Webhook {...props} />
      )}
    </Stack>
  )
}

function Webhook({ draft, set, errors, saved }: Props) {
  const before = saved?.type === 'webhook' ? saved : undefined
  const hasSecret = Boolean(before?.has_secret)
  return (
    <>
      <TextInput
        label="Address"
        description="Messages are posted there as JSON. Chat services that show a field called text show them as they are."
        placeholder="https://chat.example.com/hook"
        withAsterisk
        value={draft.url}
        onChange={(event) => set({ url: event.currentTarget.value })}
        error={errors['channel.url']}
        spellCheck={false}
        autoComplete="off"
      />
      {draft.url !== before?.url && draft.url.trim().startsWith('http://') && (
        <Alert color="orange" icon={<TriangleAlert size={18} aria-hidden />} title="In the clear">
          Over http anybody on the way can read the messages. Use https where the receiver has it.
        </Alert>
      )}
      {hasSecret && draft.secret === undefined ? (
        <Group gap="sm">
          <Text size="sm">Messages are signed; the secret stays as it is.</Text>
          <Button variant="default" size="xs" onClick={() => set({ secret: newSecret() })}>
            Replace the secret
          </Button>
          <Button variant="default" size="xs" onClick={() => set({ secret: '' })}>
            Remove it
          </Button>
        </Group>
      ) : (
        <Stack gap={6}>
          <PasswordInput
            label="Secret"
            description="Messages are signed with it, so that the receiver knows they are from here (Standard Webhooks). Without one they are not signed. Copy it now: it is never shown again."
            value={draft.secret ?? ''}
            onChange={(event) => set({ secret: event.currentTarget.value })}
            error={errors['channel.secret']}
            autoComplete="new-password"
            visibilityToggleButtonProps={{ 'aria-label': 'Show or hide the secret' }}
          />
          <Group gap="xs">
            <Button variant="default" size="xs" onClick={() => set({ secret: newSecret() })}>
              Make one up
            </Button>
            {draft.secret && <Copy text={draft.secret} label="Copy the secret" />}
            {hasSecret && (
              <Button variant="subtle" size="xs" onClick={() => set({ secret: undefined })}>
                Keep the old one
              </Button>
            )}
          </Group>
        </Stack>
      )}
    </>
  )
}
