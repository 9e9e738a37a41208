import { Box, Group, Paper, Text, Title } from '@mantine/core'
import { type ReactNode, useId } from 'react'

type Props = { title?: string; about?: ReactNode; actions?: ReactNode; children: ReactNode; flush?: boolean }

/** A card with a heading. `flush`: what is in it reaches its edges, as tables do. */
export function Section({ title, about, actions, children, flush }: Props) {
  const heading = useId()
  const head = (title || actions) && (
    <Group justify="space-between" gap="xs" mb={flush ? 0 : 'sm'} p={flush ? 'md' : 0} pb={flush ? 'xs' : 0}>
      <Box>
        {title && (
          <Title order={2} size="h5" id={heading}>
            {title}
          </Title>
        )}
        {about && (
          <Text size="sm" c="dimmed" component="div">
            {about}
          </Text>
        )}
      </Box>
      {actions && <Group gap="xs">{actions}</Group>}
    </Group>
  )
  return (
    <Paper
      withBorder
      radius="md"
      p={flush ? 0 : 'md'}
      component="section"
      aria-labelledby={title ? heading : undefined}
      style={{ minWidth: 0 }}
    >
      {head}
      {children}
    </Paper>
  )
}
