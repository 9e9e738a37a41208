import { Box, Button, Collapse } from '@mantine/core'
import { useDisclosure, useId } from '@mantine/hooks'
import { ChevronDown, ChevronRight } from 'lucide-react'
import type { ReactNode } from 'react'

/** Something that most people don't need to see: a button with its name, and what is behind it. */
export function Fold({
  label,
  name,
  opened: initially = false,
  children,
}: {
  label: string
  /** What it is called where there are several of it. */
  name?: string
  opened?: boolean
  children: ReactNode
}) {
  const [opened, { toggle }] = useDisclosure(initially)
  const id = useId()
  return (
    <Box mt={4}>
      <Button
        variant="subtle"
        color="gray"
        size="compact-sm"
        onClick={toggle}
        aria-label={name}
        aria-expanded={opened}
        aria-controls={id}
        leftSection={opened ? <ChevronDown size={14} aria-hidden /> : <ChevronRight size={14} aria-hidden />}
      >
        {label}
      </Button>
      <Collapse id={id} expanded={opened}>
        {opened && <Box pt="xs">{children}</Box>}
      </Collapse>
    </Box>
  )
}
