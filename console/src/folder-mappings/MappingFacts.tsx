import { Anchor, SimpleGrid, Table, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Link } from 'react-router'
import { useStorages } from '../api/lists'
import type { schemas } from '../api/types'
import { Exact } from '../ui/Copy'
import { Section } from '../ui/Section'
import { NextRuns } from '../ui/schedule/NextRuns'
import { Time } from '../ui/Time'
import { afterWords, identityWords, readyWords } from './MoreFields'
import { timingWords } from './timing'

/** What a folder mapping says, and how it went until now. */
export function MappingFacts({ mapping }: { mapping: schemas['FolderMapping'] }) {
  const storage = useStorages().data?.find((storage) => storage.id === mapping.storage_id)
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} spacing="md">
      <Section title="What is pulled">
        <Facts>
          <Fact name="Folder">
            <Exact text={mapping.remote_path} />
          </Fact>
          <Fact name="Files">
            {mapping.pattern}
            {mapping.recursive && ', also of folders below'}
          </Fact>
          <Fact name="Destination">
            {storage?.name ?? '…'}
            {mapping.prefix && ` / ${mapping.prefix}`}
            {storage?.url && (
              <Text size="xs" c="dimmed">
                {storage.url}
              </Text>
            )}
          </Fact>
          <Fact name="Ready when">{readyWords({ ...mapping, marker_suffix: mapping.marker_suffix ?? '' })}</Fact>
          <Fact name="Left out">{mapping.ignore.length > 0 ? mapping.ignore.join('  ') : 'nothing'}</Fact>
          <Fact name="After the pull">{afterWords({ ...mapping, move_to: mapping.move_to ?? '' })}</Fact>
          <Fact name="Pulled">{identityWords(mapping)}</Fact>
        </Facts>
      </Section>
      <Section title="When">
        <Facts>
          <Fact name="Looks for files">{timingWords(mapping)}</Fact>
          <Fact name="Next pull">
            <Time
              at={mapping.next_run_at}
              as="full"
              none={mapping.enabled ? 'waits for its connection' : 'switched off'}
            />
          </Fact>
          <Fact name="Last pull">
            {mapping.last_execution ? (
              <Anchor component={Link} to={`/executions/${mapping.last_execution}`} size="sm">
                <Time at={mapping.last_run_at} as="full" none="See it" />
              </Anchor>
            ) : (
              'never'
            )}
          </Fact>
          <Fact name="Last went well">
            <Time at={mapping.last_ok_at} as="full" none="never" />
          </Fact>
          {mapping.failing_since && (
            <Fact name="Fails since">
              <Time at={mapping.failing_since} as="full" /> ({mapping.failures} in a row)
            </Fact>
          )}
          <Fact name="Pulled files">
            <Anchor
              component={Link}
              to={`/connections/${mapping.connection_id}/history?mapping=${mapping.id}`}
              size="sm"
            >
              See the history
            </Anchor>
          </Fact>
        </Facts>
        {mapping.cron && mapping.enabled && (
          <>
            <Text size="sm" fw={500} mt="sm">
              Next runs
            </Text>
            <NextRuns schedules={[{ cron: mapping.cron, timezone: mapping.timezone, missed: 'once' }]} />
          </>
        )}
      </Section>
    </SimpleGrid>
  )
}

function Facts({ children }: { children: ReactNode }) {
  return (
    <Table withRowBorders={false} verticalSpacing={4} horizontalSpacing={0}>
      <Table.Tbody>{children}</Table.Tbody>
    </Table>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <Table.Tr>
      <Table.Th scope="row" w={130} fw={500} style={{ verticalAlign: 'top' }}>
        {name}
      </Table.Th>
      <Table.Td>{children}</Table.Td>
    </Table.Tr>
  )
}
