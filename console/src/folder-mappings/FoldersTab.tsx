import type { schemas } from '../api/types'
import { Section } from '../ui/Section'

/** The folders that are pulled from a connection. */
export default function FoldersTab({ connection }: { connection: schemas['Connection'] }) {
  return <Section title="Folders">{connection.name}</Section>
}
