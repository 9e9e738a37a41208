import { Alert, Badge, Group, Text } from '@mantine/core'
import { TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import type { schemas } from '../api/types'
import { words } from '../ui/format'
import { hintFor } from './hints'

type Props = { error: schemas['ExecutionError']; title?: string; children?: ReactNode }

/** Why something failed: what happened, what helps, and the code to look up. */
export function ExecutionError({ error, title, children }: Props) {
  const hint = hintFor(error.kind)
  return (
    <Alert
      color="red"
      icon={<TriangleAlert size={18} aria-hidden />}
      title={
        <Group gap="xs">
          {title ?? words(error.kind)}
          <Badge color="red" variant="outline">
            {title ? `${words(error.kind)}, code ${error.code}` : `Code ${error.code}`}
          </Badge>
        </Group>
      }
    >
      <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {error.message}
      </Text>
      {hint && (
        <Text size="sm" mt={4}>
          <b>What helps:</b> {hint}
        </Text>
      )}
      {children}
    </Alert>
  )
}
