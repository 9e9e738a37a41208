import { Table, type TableTdProps } from '@mantine/core'

/** A cell that stays on one line: a time, a state, a number. */
export function Fixed(props: TableTdProps) {
  return <Table.Td fz="sm" {...props} style={{ whiteSpace: 'nowrap' }} />
}
