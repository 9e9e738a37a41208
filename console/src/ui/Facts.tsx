import { Box, Table, Text } from '@mantine/core'
import { lines } from './facts'
import { words } from './format'

/** Whatever is known, by its names: an object of the API whose fields differ from one to the next. */
export function Facts({ facts }: { facts: Record<string, unknown> }) {
  const known = lines(facts)
  if (known.length === 0) return <Text size="sm">Nothing more is known.</Text>
  return (
    <Table verticalSpacing={2} horizontalSpacing="xs" withRowBorders={false} layout="auto">
      <Table.Tbody>
        {known.map(({ path, name, depth, text }) => (
          <Table.Tr key={path}>
            <Table.Th scope="row" fw={500} fz="sm" w={1} style={{ whiteSpace: 'nowrap', verticalAlign: 'top' }}>
              <Box pl={depth * 16}>{words(name)}</Box>
            </Table.Th>
            <Table.Td fz="sm" style={{ whiteSpace: 'pre-wrap' }}>
              {text}
            </Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  )
}
