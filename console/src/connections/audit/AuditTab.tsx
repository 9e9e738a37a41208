import type { schemas } from '../../api/types'
import { AuditList } from '../../audit/AuditList'

/** What was done with a connection, and what happened on it. */
export default function AuditTab({ connection }: { connection: schemas['Connection'] }) {
  return <AuditList connectionId={connection.id} />
}
