import { Code } from '@mantine/core'
import type { ReactNode } from 'react'
import { nameOf, useConnections, useMappings } from '../api/lists'
import type { Step } from './draft'
import { wholeReference } from './steps/references'

/** What a step does, in one sentence. */
export function StepWords({ step }: { step: Step }) {
  const { config } = step
  const connections = useConnections()
  const place = <b>{connections.data?.find(({ id }) => id === config.connection_id)?.name ?? 'a connection'}</b>
  const remote = <Value of={config.remote_path} />
  const verb = step.step_type.slice(step.step_type.lastIndexOf('.') + 1)
  const local = step.step_type.startsWith('local.')
  switch (verb) {
    case 'download':
      return (
        <>
          Download {remote} from {place} to{' '}
          {config.local_path === undefined ? 'the working folder' : <Value of={config.local_path} />}
          <After config={config} />
        </>
      )
    case 'upload':
      return (
        <>
          Upload <Value of={config.local_path} /> to {remote} on {place}
          <After config={config} />
        </>
      )
    case 'mkdir':
      return (
        <>
          Make the folder {remote} on {place}.
        </>
      )
    case 'rmdir':
      return (
        <>
          Remove the folder {remote} on {place}
          {config.recursive === true ? ' with all that lies in it.' : '.'}
        </>
      )
    case 'list':
      return (
        <>
          List {remote} on {place}
          {config.pattern !== undefined && (
            <>
              : <Value of={config.pattern} />
            </>
          )}
          .
        </>
      )
    case 'rename':
      return (
        <>
          Rename {remote} on {place} to <Value of={config.new_path} />.
        </>
      )
    case 'pull':
      return <Pull mappingId={config.mapping_id} />
    case 'execute':
      return (
        <>
          Run the function <Value of={config.function_name} /> of {place}
          {config.wait === false ? ' and don’t wait for its end.' : ' and wait for its end.'}
        </>
      )
    case 'copy':
    case 'move':
      return (
        <>
          {verb === 'copy' ? 'Copy' : 'Move'} <Value of={config.path} /> to <Value of={config.new_path} /> on this
          machine.
        </>
      )
    case 'delete':
      return local ? (
        <>
          Delete <Value of={config.path} /> on this machine.
        </>
      ) : (
        <>
          Delete {remote} on {place}.
        </>
      )
    default:
      return <>{step.step_type}</>
  }
}

/** Which folder is pulled, and of which server. */
function Pull({ mappingId }: { mappingId: unknown }) {
  const connections = useConnections()
  const mapping = useMappings().data?.find(({ id }) => id === mappingId)
  const server = nameOf(connections.data, mapping?.connection_id)
  return (
    <>
      Pull the mapped folder <b>{mapping?.name ?? '…'}</b>
      {server && (
        <>
          {' '}
          of <b>{server}</b>
        </>
      )}
      .
    </>
  )
}

/** A path as it is typed, or whose output it is. */
function Value({ of }: { of: unknown }): ReactNode {
  const taken = wholeReference(of)
  if (taken?.output.endsWith('files')) return <>the files of step {taken.step}</>
  if (taken) return <>what step {taken.step} gives</>
  if (typeof of === 'string' && of !== '') return <Code style={{ overflowWrap: 'anywhere' }}>{of}</Code>
  return '…'
}

/** What becomes of the source. */
function After({ config }: { config: Step['config'] }) {
  if (config.after === 'delete') return <> and delete the source.</>
  if (config.after === 'move')
    return (
      <>
        {' '}
        and move the source to <Value of={config.move_to} />.
      </>
    )
  return '.'
}
