import { Alert, Button, Text } from '@mantine/core'

type Props = {
  onDrop: () => void
  /** What saving does with the other change. */
  saving?: string
}

/** Says that what a form shows was changed elsewhere, and lets go of what was typed. */
export function ChangedMeanwhile({ onDrop, saving = 'What you save replaces that.' }: Props) {
  return (
    <Alert color="yellow" title="This was changed meanwhile" role="alert">
      <Text size="sm" mb="xs">
        It has been saved since you began. {saving}
      </Text>
      <Button size="xs" variant="default" onClick={onDrop}>
        Drop my changes and begin anew
      </Button>
    </Alert>
  )
}
