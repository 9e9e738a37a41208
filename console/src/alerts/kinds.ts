import type { schemas } from '../api/types'

export type Kind = Exclude<schemas['AlertKind'], 'test'>

/** Of what alerts tell, those first that most people want. */
export const kinds: { value: Kind; label: string; help: string }[] = [
  { value: 'execution_failed', label: 'An execution fails', help: 'And when the job completes again.' },
  {
    value: 'connection_health',
    label: 'A connection fails or needs attention',
    help: 'Or one of its folder mappings; and when it is healthy again.',
  },
  { value: 'execution_late', label: 'An execution is late', help: 'It isn’t over in time; and when it ends.' },
  {
    value: 'file_missing',
    label: 'A file is missing',
    help: 'It should have come by then; and when it comes after all.',
  },
  { value: 'execution_completed', label: 'An execution completes', help: 'Each one that goes well.' },
  { value: 'file_pulled', label: 'A file was pulled', help: 'Each one, once it lies at its destination.' },
]

/** What a message is about, in words. */
export const kindName = (kind: schemas['AlertKind']) =>
  kind === 'test' ? 'Test' : (kinds.find(({ value }) => value === kind)?.label ?? kind)

/** What can narrow which kinds: jobs the executions, connections the health and files, mappings all of it. */
export const scopes = {
  jobs: ['execution_failed', 'execution_completed', 'execution_late'],
  connections: ['connection_health', 'file_pulled'],
  mappings: ['execution_failed', 'execution_completed', 'execution_late', 'connection_health', 'file_pulled'],
} satisfies Record<string, Kind[]>
