import type { schemas } from '../../api/types'
import { Section } from '../../ui/Section'

/** The SSH keys that a connection logs in with. */
export default function KeysTab({ connection }: { connection: schemas['Connection'] }) {
  return <Section title="Keys">{connection.name}</Section>
}
