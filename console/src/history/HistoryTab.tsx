import type { schemas } from '../api/types'
import { Section } from '../ui/Section'

/** Every file that was pulled from a connection. */
export default function HistoryTab({ connection }: { connection: schemas['Connection'] }) {
  return <Section title="History">{connection.name}</Section>
}
