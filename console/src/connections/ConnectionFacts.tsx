import { Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { api, read } from '../api/client'
import { all } from '../api/pages'
import type { schemas } from '../api/types'
import { protocolName } from '../ui/format'
import { Section } from '../ui/Section'
import { applies, draftOf, effective, hasSecret, isSecret } from './form/draft'
import { choiceLabel, fieldLabel } from './labels'
import type { Field, Protocol } from './protocols'

const groups: [Field['group'], string][] = [
  ['address', 'Server'],
  ['login', 'Login'],
  ['trust', 'Trust'],
  ['protocol', 'Protocol'],
  ['limits', 'Times and limits'],
]

type Props = { connection: schemas['Connection']; protocol: Protocol | undefined }

/** How a connection is set up, for those who may not change it. */
export function ConnectionFacts({ connection, protocol }: Props) {
  const keys = useQuery({
    queryKey: ['ssh-keys', 'active'],
    queryFn: () =>
      all((cursor) => read(api.GET('/api/ssh-keys', { params: { query: { limit: 1000, status: 'active', cursor } } }))),
  })
  if (!protocol) return null
  const draft = draftOf(connection, protocol)
  const shown = (field: Field): ReactNode => {
    if (isSecret(field)) return hasSecret(connection, field.name) ? 'Is set' : 'Not set'
    const value = effective(draft, protocol, field.name)
    if (value === undefined || value === null) return '–'
    if (typeof value === 'boolean') return value ? 'Yes' : 'No'
    if (field.type === 'keys' && Array.isArray(value)) {
      return value.map((id) => keys.data?.find((key) => key.id === id)?.name ?? String(id)).join(', ')
    }
    if (Array.isArray(value)) return value.map(String).map(choiceLabel).join(', ')
    if (typeof value === 'object') return <Algorithms chosen={value} />
    const text = String(value)
    return field.choices || field.name === 'auth_method' ? choiceLabel(text) : text
  }
  return (
    <>
      {groups.map(([group, title]) => {
        const fields = protocol.fields.filter((field) => field.group === group && applies(field, draft, protocol))
        const rows: [string, ReactNode][] = fields.map((field) => [fieldLabel(field.name, protocol.name), shown(field)])
        if (group === 'address')
          rows.unshift(['Protocol', protocolName(protocol.name)], ['Group', connection.group ?? '–'])
        return rows.length > 0 && <Facts key={group} title={title} rows={rows} />
      })}
      {connection.notes && (
        <Section title="Notes">
          <Text size="sm" style={{ whiteSpace: 'pre-wrap' }}>
            {connection.notes}
          </Text>
        </Section>
      )}
    </>
  )
}

function Facts({ title, rows }: { title: string; rows: [string, ReactNode][] }) {
  return (
    <Section title={title}>
      <Table withRowBorders={false} verticalSpacing={4} layout="auto">
        <Table.Tbody>
          {rows.map(([label, value]) => (
            <Table.Tr key={label}>
              <Table.Th scope="row" w="40%" fw={500} fz="sm" pl={0}>
                {label}
              </Table.Th>
              <Table.Td fz="sm">{value}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Section>
  )
}

/** A preset by its name, and each list that is one’s own. */
function Algorithms({ chosen }: { chosen: object }) {
  return Object.entries(chosen)
    .filter(([, value]) => value)
    .map(([name, value]) =>
      name === 'preset'
        ? choiceLabel(String(value))
        : `${choiceLabel(name)}: ${Array.isArray(value) ? value.join(', ') : ''}`,
    )
    .join('; ')
}
