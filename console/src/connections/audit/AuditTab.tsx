import type { schemas } from '../../api/types'
import { Section } from '../../ui/Section'

/** What was done with a connection. */
export default function AuditTab({ connection }: { connection: schemas['Connection'] }) {
  return <Section title="Audit">{connection.name}</Section>
}
