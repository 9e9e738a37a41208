import { Alert, Button, Text } from '@mantine/core'

/** Says that what a form shows was changed elsewhere, and lets go of what was typed. */
export function ChangedMeanwhile({ onDrop }: { onDrop: () => void }) {
  return (
    <Alert color="yellow" title="This was changed meanwhile" role="alert">
      <Text size="sm" mb="xs">
        Somebody else has saved it since you began. What you save replaces that.
      </Text>
      <Button size="xs" variant="default" onClick={onDrop}>
        Drop my changes and begin anew
      </Button>
    </Alert>
  )
}
