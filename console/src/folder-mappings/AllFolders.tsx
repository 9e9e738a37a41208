import { Anchor } from '@mantine/core'
import { Link } from 'react-router'
import type { schemas } from '../api/types'

/** The way back from one folder mapping to all of a connection. */
export function AllFolders({ connection }: { connection: schemas['Connection'] }) {
  return (
    <Anchor component={Link} to={`/connections/${connection.id}/folders`} size="sm">
      ← All folders
    </Anchor>
  )
}
