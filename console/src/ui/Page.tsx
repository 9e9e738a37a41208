import { Anchor, Box, Group, Stack, Text, Title } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import type { ReactNode } from 'react'
import { Link } from 'react-router'

type Props = {
  title: string
  /** One sentence: what this page is for. */
  about?: ReactNode
  /** The page above this one. */
  up?: { to: string; label: string }
  /** Behind the title: badges. */
  marks?: ReactNode
  /** At the right: buttons. */
  actions?: ReactNode
  children: ReactNode
}

/** The frame of every page. */
export function Page({ title, about, up, marks, actions, children }: Props) {
  useDocumentTitle(`${title} · Courier`)
  return (
    <Stack gap="md">
      <Box>
        {up && (
          <Anchor component={Link} to={up.to} size="sm">
            ← {up.label}
          </Anchor>
        )}
        <Group justify="space-between" align="center" gap="sm">
          <Group gap="sm" align="center">
            <Title order={1} size="h2" style={{ overflowWrap: 'anywhere' }}>
              {title}
            </Title>
            {marks}
          </Group>
          {actions && <Group gap="xs">{actions}</Group>}
        </Group>
        {about && (
          <Text c="dimmed" size="sm" component="div" maw="80ch">
            {about}
          </Text>
        )}
      </Box>
      {children}
    </Stack>
  )
}
