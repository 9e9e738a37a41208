import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import type { schemas } from '../api/types'
import { CopyWide } from '../ui/Copy'
import { useLeaveGuard } from '../ui/useLeaveGuard'

/** A new token's text, which is never shown again, and how it is used. */
export function MadeToken({ token, onClose }: { token: schemas['NewToken']; onClose: () => void }) {
  // It is lost with the page.
  useLeaveGuard(true)
  const example = `curl -H "Authorization: Bearer $TOKEN" ${window.location.origin}/api/auth/me`
  return (
    <Stack>
      <Alert color="orange" icon={<TriangleAlert size={18} aria-hidden />} title="It is shown this once">
        <Text size="sm">Copy it now, to where the script finds it. Courier keeps only a fingerprint of it.</Text>
      </Alert>
      <div>
        <Text size="sm" fw={500}>
          {token.name}
        </Text>
        <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {token.token}
        </Code>
        <Group pt="xs">
          <CopyWide text={token.token} label="Copy the token" autoFocus />
        </Group>
      </div>
      <div>
        <Text size="sm">This tells what it may do:</Text>
        <Code block style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
          {example}
        </Code>
      </div>
      <Group justify="flex-end">
        <Button onClick={onClose}>I have copied it</Button>
      </Group>
    </Stack>
  )
}
