import { ActionIcon, Anchor, Badge, Table, Text, Tooltip } from '@mantine/core'
import { RotateCcw } from 'lucide-react'
import { Link, useSearchParams } from 'react-router'
import type { schemas } from '../api/types'
import { useMay } from '../auth/session'
import { bytes, words } from '../ui/format'
import { Scroll } from '../ui/Scroll'
import { Time } from '../ui/Time'
import { useReplay } from './useReplay'

type Props = {
  connection: schemas['Connection']
  files: schemas['PulledFile'][]
  mappings: schemas['FolderMapping'][] | undefined
}

/** Pulled files, one a row; what is known of each stands behind its path. */
export function PulledTable({ connection, files, mappings }: Props) {
  const may = useMay('operator')
  const [params] = useSearchParams()
  const replay = useReplay(connection)
  const details = (id: string) => {
    const next = new URLSearchParams(params)
    next.set('entry', id)
    return `?${next}`
  }
  return (
    <Scroll label="Pulled files" minWidth={300}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th miw={140}>File</Table.Th>
          <Table.Th ta="right">Size</Table.Th>
          <Table.Th visibleFrom="xs">Pulled</Table.Th>
          <Table.Th visibleFrom="sm">Folder mapping</Table.Th>
          <Table.Th visibleFrom="md">Is now</Table.Th>
          {may && <Table.Th aria-label="What can be done" />}
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {files.map((file) => (
          <Table.Tr key={file.id}>
            <Table.Td>
              <Anchor component={Link} to={details(file.id)} size="sm">
                {file.path}
              </Anchor>{' '}
              {file.replay_of && (
                <Badge variant="light" color="blue" size="sm">
                  Anew
                </Badge>
              )}
              {(file.after === 'refused' || file.after === 'left') && (
                <Tooltip label={file.after_detail} disabled={!file.after_detail} multiline maw={420}>
                  <Badge variant="light" color="orange" size="sm">
                    On the server: {words(file.after)}
                  </Badge>
                </Tooltip>
              )}
              <Text size="xs" c="dimmed" hiddenFrom="xs">
                <Time at={file.pulled_at} />
              </Text>
            </Table.Td>
            <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
              {bytes(file.size)}
            </Table.Td>
            <Table.Td visibleFrom="xs">
              <Time at={file.pulled_at} />
            </Table.Td>
            <Table.Td visibleFrom="sm">
              {mappings?.find((mapping) => mapping.id === file.mapping_id)?.name ?? (mappings ? 'gone' : '…')}
            </Table.Td>
            <Table.Td visibleFrom="md">
              <Text size="sm">{file.key}</Text>
            </Table.Td>
            {may && (
              <Table.Td w={40}>
                <Tooltip label="Pull it anew">
                  <ActionIcon
                    variant="subtle"
                    aria-label={`Pull ${file.path} of ${file.pulled_at.slice(0, 19)} anew`}
                    loading={replay.isPending && replay.variables?.id === file.id}
                    onClick={() => replay.mutate(file)}
                  >
                    <RotateCcw size={16} />
                  </ActionIcon>
                </Tooltip>
              </Table.Td>
            )}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Scroll>
  )
}
