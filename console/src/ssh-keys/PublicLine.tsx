import { Anchor, Box, Button, Code, Group, Stack, Text } from '@mantine/core'
import { Download, Mail } from 'lucide-react'
import { CopyWide, Exact } from '../ui/Copy'
import { instruction, type Login } from './instruction'

type Props = {
  sshKey: { id: string; name: string; public_key: string; fingerprint: string }
  /** Where it is to log in, if that is known. */
  login?: Login
}

/** The public half of a key, and how it gets onto the partner's server. */
export function PublicLine({ sshKey, login = {} }: Props) {
  const mail = instruction(sshKey.public_key, sshKey.fingerprint, login)
  return (
    <Stack gap="xs">
      <Text size="sm">
        This line goes into <Code>~/.ssh/authorized_keys</Code>
        {login.username ? (
          <>
            {' '}
            of the user <b>{login.username}</b>
          </>
        ) : (
          ' of the user that logs in'
        )}
        {login.host ? (
          <>
            {' '}
            on <b>{login.host}</b>
          </>
        ) : (
          ' on the server'
        )}
        . It is no secret; the private half never leaves Courier.
      </Text>
      <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }} aria-label="Public key">
        {sshKey.public_key}
      </Code>
      <Group gap="xs">
        <CopyWide text={sshKey.public_key} label="Copy the line" />
        <Button
          component="a"
          href={`/api/ssh-keys/${sshKey.id}/public-key`}
          download={`${sshKey.name.replaceAll(/[^\w.-]+/g, '-')}.pub`}
          variant="default"
          size="xs"
          leftSection={<Download size={14} aria-hidden />}
        >
          Download
        </Button>
        <CopyWide text={mail.body} label="Copy the instruction" />
        <Anchor
          size="sm"
          href={`mailto:?subject=${encodeURIComponent(mail.subject)}&body=${encodeURIComponent(mail.body)}`}
        >
          <Group gap={4} wrap="nowrap">
            <Mail size={14} aria-hidden />
            Mail it to the partner
          </Group>
        </Anchor>
      </Group>
      <Box>
        <Text size="sm" span>
          Fingerprint, to compare:{' '}
        </Text>
        <Exact text={sshKey.fingerprint} />
      </Box>
    </Stack>
  )
}
