import { Anchor, Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { RotateCcw } from 'lucide-react'
import { Link, useNavigate, useSearchParams } from 'react-router'
import { api, read } from '../api/client'
import type { schemas } from '../api/types'
import { Only } from '../auth/session'
import { Exact } from '../ui/Copy'
import { Fact } from '../ui/Fact'
import { bytes, count } from '../ui/format'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { Time } from '../ui/Time'
import { useReplay } from './useReplay'

type Props = {
  connection: schemas['Connection']
  /** The entry of the history; nothing is shown without one. */
  id: string | undefined
  mappings: schemas['FolderMapping'][] | undefined
  onClose: () => void
}

/** All that is known of a file that was pulled. */
export function PulledFile({ connection, id, mappings, onClose }: Props) {
  return (
    <Modal opened={!!id} onClose={onClose} title="Pulled file" size="lg">
      {id && <Details connection={connection} id={id} mappings={mappings} />}
    </Modal>
  )
}

const after: Record<schemas['AfterState'], string> = {
  none: 'was left where it is',
  pending: 'waits to be deleted or moved',
  done: 'was deleted or moved',
  refused: 'should be deleted or moved, which the server refused',
  left: 'was left: another version lies there by now',
}

function Details({ connection, id, mappings }: { id: string } & Omit<Props, 'id' | 'onClose'>) {
  const navigate = useNavigate()
  const [params] = useSearchParams()
  const replay = useReplay(connection, (execution) => void navigate(`/executions/${execution.id}`))
  const file = useQuery({
    queryKey: ['folder-mappings', 'history', connection.id, 'entry', id],
    queryFn: () =>
      read(
        api.GET('/api/connections/{id}/history/{entry_id}', { params: { path: { id: connection.id, entry_id: id } } }),
      ),
  })
  if (file.error && !file.data) return <Problem error={file.error} retry={() => void file.refetch()} />
  if (!file.data) return <Loading />
  const it = file.data
  const earlier = new URLSearchParams(params)
  if (it.replay_of) earlier.set('entry', it.replay_of)
  const mapping = mappings?.find(({ id }) => id === it.mapping_id)
  return (
    <Stack gap="sm">
      <Fact name="On the server">
        <Exact text={it.path} />
      </Fact>
      <Fact name="Now at">
        <Exact text={it.destination} />
      </Fact>
      <Fact name="Size">
        {bytes(it.size)} ({count(it.size)} bytes)
      </Fact>
      <Fact name="SHA-256">
        <Exact text={it.sha256} />
      </Fact>
      <Fact name="Changed there">
        <Time at={it.modified} as="full" none="The server doesn’t say." />
      </Fact>
      <Fact name="Pulled">
        <Time at={it.pulled_at} as="full" />,{' '}
        <Anchor component={Link} to={`/executions/${it.execution_id}`} size="sm">
          by this execution
        </Anchor>
        {mapping && (
          <>
            {' '}
            of{' '}
            <Anchor component={Link} to={`/connections/${connection.id}/folders?mapping=${mapping.id}`} size="sm">
              {mapping.name}
            </Anchor>
          </>
        )}
      </Fact>
      <Fact name="Afterwards">
        The file on the server {after[it.after]}.{it.after_detail && ` ${it.after_detail}`}
      </Fact>
      {it.replay_of && (
        <Fact name="Pulled anew for">
          <Anchor component={Link} to={`?${earlier}`} size="sm">
            an earlier entry
          </Anchor>
        </Fact>
      )}
      <Only role="operator">
        <Group justify="space-between" gap="xs" mt="xs">
          <Text size="sm" flex={1} miw={200}>
            Anew, it is taken as it lies on the server by then, and comes beside what is there.
          </Text>
          <Button
            leftSection={<RotateCcw size={16} aria-hidden />}
            loading={replay.isPending}
            onClick={() => replay.mutate(it)}
          >
            Pull it anew
          </Button>
        </Group>
      </Only>
    </Stack>
  )
}
