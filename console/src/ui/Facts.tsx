import { Box, Table, Text } from '@mantine/core'
import { lines } from './facts'
import { counted, words } from './format'

/** Lines that are shown at most. */
const SHOWN = 300

/** Whatever is known, by its names: an object of the API whose fields differ from one to the next. */
export function Facts({ facts }: { facts: Record<string, unknown> }) {
  const known = lines(facts)
  if (known.length === 0) return <Text size="sm">Nothing more is known.</Text>
  return (
    <>
      <Table verticalSpacing={2} horizontalSpacing="xs" withRowBorders={false} layout="auto">
        <Table.Tbody>
          {known.slice(0, SHOWN).map(({ path, name, depth, text }) => (
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
      {known.length > SHOWN && <Text size="sm">… and {counted(known.length - SHOWN, 'more line')}.</Text>}
    </>
  )
}
