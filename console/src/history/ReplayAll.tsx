import { Alert, Anchor, Button, Group, List, Modal, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { Link } from 'react-router'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { count, counted } from '../ui/format'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { counting, MOST } from './counting'

type Props = {
  connection: schemas['Connection']
  /** Which files. */
  query: schemas['ReplayInput']
  opened: boolean
  onClose: () => void
}

/** Pulls anew all that the filters leave, when it has been counted and somebody has said yes. */
export function ReplayAll(props: Props) {
  return (
    <Modal opened={props.opened} onClose={props.onClose} title="Pull all of these anew?" centered>
      {props.opened && <Question {...props} />}
    </Modal>
  )
}

function Question({ connection, query: filters, onClose }: Props) {
  // What is counted is what is pulled: nothing that comes in between, and no period that has moved on.
  const [query] = useState(() => ({ ...filters, until: filters.until ?? new Date().toISOString() }))
  const found = useQuery({
    queryKey: ['replay-count', connection.id, query],
    queryFn: () =>
      counting((cursor) =>
        read(
          api.GET('/api/connections/{id}/history', {
            params: {
              path: { id: connection.id },
              query: { ...(query as Record<string, string>), limit: 1000, cursor },
            },
          }),
        ),
      ),
    gcTime: 0,
  })
  const replay = useAction({
    run: () =>
      read(api.POST('/api/connections/{id}/history/replay', { params: { path: { id: connection.id } }, body: query })),
    changes: [['folder-mappings', 'history', connection.id], ['executions'], ['overview']],
    quiet: true,
  })
  if (found.error) return <Problem error={found.error} retry={() => void found.refetch()} />
  if (!found.data) return <Loading />
  if (replay.data) return <Outcome replays={replay.data} onClose={onClose} />
  const { files, versions, more } = found.data
  return (
    <Stack gap="sm">
      <Text size="sm">
        <b>{more ? `More than ${count(MOST)} entries` : counted(files, 'file')}</b>
        {versions > files && !more && ` (${counted(versions, 'entry', 'entries')})`} will be taken as they lie on the
        server by then, each once, and come beside what is there. Nothing is overwritten; what reads the destination
        sees them again.
      </Text>
      {replay.error && <Problem error={replay.error} />}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose} data-autofocus>
          Cancel
        </Button>
        <Button loading={replay.isPending} disabled={files === 0} onClick={() => replay.mutate()}>
          {more ? 'Pull all anew' : `Pull ${counted(files, 'file')} anew`}
        </Button>
      </Group>
    </Stack>
  )
}

function Outcome({ replays, onClose }: { replays: schemas['Replays']; onClose: () => void }) {
  return (
    <Stack gap="sm">
      <Text size="sm" role="status">
        {replays.count > 0
          ? `${counted(replays.count, 'file')} will be pulled anew.`
          : 'All of these were asked for already, and will be pulled anew.'}
      </Text>
      {replays.executions.length > 0 && (
        <List size="sm">
          {replays.executions.map((execution) => (
            <List.Item key={execution.id}>
              <Anchor component={Link} to={`/executions/${execution.id}`} size="sm">
                See the pull of {execution.job_name ?? 'the folder'}
              </Anchor>
            </List.Item>
          ))}
        </List>
      )}
      {replays.refused.map((refused) => (
        <Alert key={refused.reason} color="yellow" title={`${counted(refused.count, 'file')} can’t be pulled anew`}>
          {refused.reason}
        </Alert>
      ))}
      <Group justify="flex-end">
        <Button onClick={onClose}>Close</Button>
      </Group>
    </Stack>
  )
}
