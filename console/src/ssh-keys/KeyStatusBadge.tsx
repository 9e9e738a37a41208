import { Badge } from '@mantine/core'
import type { schemas } from '../api/types'
import { words } from '../ui/format'

const colors: Record<schemas['KeyStatus'] | schemas['KeyUse'], string> = {
  active: 'green',
  retired: 'gray',
  deleted: 'red',
  revoked: 'gray',
}

/** May the key be used: at all, or by one connection? */
export function KeyStatusBadge({ status }: { status: schemas['KeyStatus'] | schemas['KeyUse'] }) {
  return (
    <Badge color={colors[status]} variant="light">
      {words(status)}
    </Badge>
  )
}
