import { Alert, Button, Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'

type Props = {
  onDrop: () => void
  /** What saving does with the other change. */
  saving?: string
  /** What else can be done about it, as buttons. */
  more?: ReactNode
}

/** Says that what a form shows was changed elsewhere, and lets go of what was typed. */
export function ChangedMeanwhile({ onDrop, saving = 'What you save replaces that.', more }: Props) {
  return (
    <Alert color="yellow" title="This was changed meanwhile" role="alert">
      <Text size="sm" mb="xs">
        It has been saved since you began. {saving}
      </Text>
      <Group gap="xs">
        <Button size="xs" variant="default" onClick={onDrop}>
          Drop my changes and begin anew
        </Button>
        {more}
      </Group>
    </Alert>
  )
}
