import { Group, ScrollArea, Table, Text, UnstyledButton } from '@mantine/core'
import { CornerLeftUp, File, FileSymlink, Folder, FolderSymlink } from 'lucide-react'
import type { KeyboardEvent, ReactNode, Ref } from 'react'
import type { schemas } from '../api/types'
import { bytes } from '../ui/format'
import { Time } from '../ui/Time'

type Props = {
  ref: Ref<HTMLTableElement>
  entries: schemas['FileEntry'][]
  pick: 'folder' | 'file'
  /** The folder above, where there is one. */
  up: string | undefined
  onUp: () => void
  onOpen: (entry: schemas['FileEntry']) => void
  /** What stands there where nothing is. */
  empty: string
}

/** What a folder on a server holds. The arrow keys go through it, Enter opens, Backspace goes up. */
export function FileList({ ref, entries, pick, up, onUp, onOpen, empty }: Props) {
  const keys = (event: KeyboardEvent<HTMLTableElement>) => {
    if (event.key === 'Backspace') onUp()
    else if (event.key === 'ArrowDown') step(event.currentTarget, 1)
    else if (event.key === 'ArrowUp') step(event.currentTarget, -1)
    else return
    event.preventDefault()
  }
  return (
    <ScrollArea.Autosize mah="50vh" type="auto">
      <Table ref={ref} onKeyDown={keys} highlightOnHover verticalSpacing={4} stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>Name</Table.Th>
            <Table.Th ta="right">Size</Table.Th>
            <Table.Th visibleFrom="xs">Changed</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {up !== undefined && (
            <Table.Tr>
              <Table.Td colSpan={3}>
                <Row icon={<CornerLeftUp size={16} aria-hidden />} name="Folder above" onClick={onUp} />
              </Table.Td>
            </Table.Tr>
          )}
          {entries.map((entry) => (
            <Table.Tr key={entry.path}>
              <Table.Td>
                <Row
                  icon={<EntryIcon entry={entry} />}
                  name={entry.name}
                  onClick={entry.is_directory || pick === 'file' ? () => onOpen(entry) : undefined}
                />
              </Table.Td>
              <Table.Td ta="right" style={{ whiteSpace: 'nowrap' }}>
                {entry.is_directory || entry.size == null ? '' : bytes(entry.size)}
              </Table.Td>
              <Table.Td visibleFrom="xs">
                <Time at={entry.last_modified} />
              </Table.Td>
            </Table.Tr>
          ))}
          {entries.length === 0 && (
            <Table.Tr>
              <Table.Td colSpan={3}>
                <Text size="sm">{empty}</Text>
              </Table.Td>
            </Table.Tr>
          )}
        </Table.Tbody>
      </Table>
    </ScrollArea.Autosize>
  )
}

function EntryIcon({ entry }: { entry: schemas['FileEntry'] }) {
  const shared = { size: 16, 'aria-hidden': true }
  if (entry.is_link) return entry.is_directory ? <FolderSymlink {...shared} /> : <FileSymlink {...shared} />
  return entry.is_directory ? <Folder {...shared} /> : <File {...shared} />
}

function Row({ icon, name, onClick }: { icon: ReactNode; name: string; onClick?: (() => void) | undefined }) {
  const inside = (
    <Group gap="xs" wrap="nowrap">
      {icon}
      <Text size="sm" span fw={onClick ? 500 : 400}>
        {name}
      </Text>
    </Group>
  )
  return onClick ? (
    <UnstyledButton onClick={onClick} w="100%">
      {inside}
    </UnstyledButton>
  ) : (
    inside
  )
}

/** The next or last button of the list gets the focus. */
function step(list: HTMLElement, by: 1 | -1) {
  const buttons = [...list.querySelectorAll('button')]
  const now = buttons.findIndex((button) => button.matches(':focus'))
  buttons[now + by]?.focus()
}
