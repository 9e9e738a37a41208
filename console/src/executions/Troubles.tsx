import { Box, List, Text } from '@mantine/core'
import { count, counted } from '../ui/format'
import type { Trouble } from './outputs'

/** Files that are told of at most. */
const SHOWN = 50

/** The files that could not be moved, each with its reason, and what else was noticed about files. */
export function Troubles({ troubles }: { troubles: Trouble[] }) {
  const failed = troubles.filter((trouble) => trouble.failed)
  const warned = troubles.filter((trouble) => !trouble.failed)
  return (
    <>
      <Told title={`${counted(failed.length, 'file')} failed`} troubles={failed} />
      <Told title={counted(warned.length, 'warning')} troubles={warned} />
    </>
  )
}

function Told({ title, troubles }: { title: string; troubles: Trouble[] }) {
  if (troubles.length === 0) return null
  return (
    <Box mt="xs">
      <Text size="sm" fw={600}>
        {title}
      </Text>
      <List size="sm">
        {troubles.slice(0, SHOWN).map(({ path, message }) => (
          <List.Item key={path + message} style={{ overflowWrap: 'anywhere' }}>
            {path && <b>{path}: </b>}
            {message}
          </List.Item>
        ))}
      </List>
      {troubles.length > SHOWN && <Text size="sm">… and {count(troubles.length - SHOWN)} more.</Text>}
    </Box>
  )
}
