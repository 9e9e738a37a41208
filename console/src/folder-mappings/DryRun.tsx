import { Alert, Badge, Chip, Group, List, Stack, Table, Text } from '@mantine/core'
import { useState } from 'react'
import type { schemas } from '../api/types'
import { bytes, count, counted } from '../ui/format'
import { Scroll } from '../ui/Scroll'
import { Time } from '../ui/Time'
import { useFirst } from '../ui/useFirst'
import { byVerdict, verdict } from './verdicts'

/** What a pull would take now, and why not the rest. */
export function DryRun({ run }: { run: schemas['MappingDryRun'] }) {
  const [only, setOnly] = useState<string[]>([])
  const pulled = run.counts.pull ?? 0
  const all = Object.entries(run.counts).sort(([a], [b]) => byVerdict(a, b))
  const files = run.files.filter((file) => only.length === 0 || only.includes(file.verdict))
  return (
    <Stack gap="sm">
      <Text fw={600} role="status">
        {pulled > 0
          ? `${counted(pulled, 'file')}, ${bytes(run.bytes)}, would be pulled now.`
          : 'Nothing would be pulled now.'}
      </Text>
      <Notes run={run} />
      {all.length > 0 && (
        <Chip.Group multiple value={only} onChange={setOnly}>
          <Group gap={6} role="group" aria-label="Show only">
            {all.map(([name, number]) => (
              <Chip key={name} value={name} size="xs" variant="outline">
                {verdict(name).label}: {count(number)}
              </Chip>
            ))}
          </Group>
        </Chip.Group>
      )}
      {files.length > 0 && <Files files={files} />}
    </Stack>
  )
}

function Notes({ run }: { run: schemas['MappingDryRun'] }) {
  return (
    <>
      {run.timed_out && (
        <Alert color="yellow" title="The look was ended after half a minute">
          Not all folders were seen; a pull takes the time it needs.
        </Alert>
      )}
      {run.truncated && !run.timed_out && (
        <Text size="sm">There are more files than this list shows. The counts are of all that were looked at.</Text>
      )}
      {run.refused.length > 0 && (
        <Alert color="red" title={`${counted(run.refused.length, 'folder')} can’t be listed`}>
          <List size="sm">
            {run.refused.map((folder) => (
              <List.Item key={folder.path}>
                <b>{folder.path}</b>: {folder.reason}
              </List.Item>
            ))}
          </List>
        </Alert>
      )}
      {run.unreadable.length > 0 && (
        <Alert color="yellow" title="Some names can’t be used">
          <List size="sm">
            {run.unreadable.map((line) => (
              <List.Item key={line}>{line}</List.Item>
            ))}
          </List>
        </Alert>
      )}
    </>
  )
}

function Files({ files }: { files: schemas['MappingDryRunFile'][] }) {
  const sorted = [...files].sort((a, b) => byVerdict(a.verdict, b.verdict) || a.path.localeCompare(b.path))
  const { first, more } = useFirst(sorted, 50)
  return (
    <>
      <Scroll label="Files of the dry run">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>File</Table.Th>
            <Table.Th ta="right">Size</Table.Th>
            <Table.Th>Changed</Table.Th>
            <Table.Th>What would become of it</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {first.map((file) => (
            <Table.Tr key={file.path}>
              <Table.Td>{file.path}</Table.Td>
              <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
                {file.size == null ? '–' : bytes(file.size)}
              </Table.Td>
              <Table.Td>
                <Time at={file.modified} />
              </Table.Td>
              <Table.Td>
                <Group gap={6}>
                  <Badge color={verdict(file.verdict).color} variant="light">
                    {verdict(file.verdict).label}
                  </Badge>
                  <Text size="xs">{file.key ? `as ${file.key}` : file.reason}</Text>
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Scroll>
      {more}
    </>
  )
}
