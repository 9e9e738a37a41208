import { Anchor, Table, Text } from '@mantine/core'
import { Link } from 'react-router'
import { StateBadge } from '../ui/badges'
import { Exact } from '../ui/Copy'
import { Fixed } from '../ui/Fixed'
import { Fold } from '../ui/Fold'
import { Scroll } from '../ui/Scroll'
import { Section } from '../ui/Section'
import { Time } from '../ui/Time'
import type { Execution } from './useExecution'

/** The states that an execution went through, when, on which node and why. */
export function StateHistory({ execution }: { execution: Execution }) {
  const history = execution.history ?? []
  return (
    <Section title="History">
      <Scroll label="States it went through" minWidth={560}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>When</Table.Th>
            <Table.Th>State</Table.Th>
            <Table.Th>Node</Table.Th>
            <Table.Th>Why</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {history.map((change) => (
            <Table.Tr key={change.at + change.state}>
              <Fixed>
                <Time at={change.at} as="full" />
              </Fixed>
              <Fixed>
                <StateBadge state={change.state} />
              </Fixed>
              <Fixed>{change.node ?? '–'}</Fixed>
              <Table.Td fz="sm" w="50%">
                {change.reason}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Scroll>
      <Text size="sm" mt="xs">
        <Anchor component={Link} to={`/audit?job_execution_id=${execution.id}`} inherit>
          Its entries in the audit log
        </Anchor>{' '}
        tell of each session and each file.
      </Text>
      <Fold label="Its id">
        <Exact text={execution.id} />
      </Fold>
    </Section>
  )
}
