import { Alert, Anchor, Badge, Button, Code, Table, Text, Tooltip } from '@mantine/core'
import { Plus, TriangleAlert } from 'lucide-react'
import { Link } from 'react-router'
import { api, read } from '../api/client'
import { useMappings } from '../api/lists'
import { usePages } from '../api/pages'
import type { schemas } from '../api/types'
import { Only, useMay } from '../auth/session'
import { Empty } from '../ui/Empty'
import { Fixed } from '../ui/Fixed'
import { counted } from '../ui/format'
import { Loading } from '../ui/Loading'
import { More } from '../ui/More'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { Scroll } from '../ui/Scroll'
import { Section } from '../ui/Section'
import { schemeName } from './place'

/** Where pulled files go. */
export default function StoragesPage() {
  const may = useMay('admin')
  const storages = usePages(['storages', 'list'], (cursor) =>
    read(api.GET('/api/storages', { params: { query: { cursor } } })),
  )
  const mappings = useMappings()
  const usedBy = (id: string) => mappings.data?.filter((mapping) => mapping.storage_id === id).length
  const add = (
    <Only role="admin">
      <Button component={Link} to="/storages/new" size="xs" leftSection={<Plus size={14} aria-hidden />}>
        New destination
      </Button>
    </Only>
  )
  const hasDefault = storages.items.some((storage) => storage.name === 'default')
  return (
    <Page
      title="Destinations"
      about="Where the files go that folder mappings pull: folders of this machine, and buckets and containers of stores."
      actions={storages.items.length > 0 && add}
    >
      {storages.data && !storages.hasNextPage && storages.items.length > 0 && !hasDefault && (
        <Alert color="blue">No destination is called “default”: each folder mapping has to name its own.</Alert>
      )}
      <Section flush>
        {storages.isPending ? (
          <Loading />
        ) : storages.error && storages.items.length === 0 ? (
          <Problem error={storages.error} retry={() => void storages.refetch()} />
        ) : storages.items.length === 0 ? (
          <Empty title="There is no destination" action={add}>
            Folder mappings need one before they can pull files.
          </Empty>
        ) : (
          <>
            <Scroll label="Destinations" minWidth={0}>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Name</Table.Th>
                  <Table.Th>Kind</Table.Th>
                  {may && <Table.Th visibleFrom="sm">Where</Table.Th>}
                  <Table.Th>Used by</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {storages.items.map((storage) => (
                  <Row key={storage.id} storage={storage} usedBy={usedBy(storage.id)} />
                ))}
              </Table.Tbody>
            </Scroll>
            <More pages={storages} />
          </>
        )}
      </Section>
    </Page>
  )
}

function Row({ storage, usedBy }: { storage: schemas['Storage']; usedBy: number | undefined }) {
  const may = useMay('admin')
  const warnings = storage.warnings ?? []
  return (
    <Table.Tr>
      <Table.Td fz="sm">
        <Anchor component={Link} to={`/storages/${storage.id}`} inherit fw={500}>
          {storage.name}
        </Anchor>
        {warnings.length > 0 && (
          <Tooltip label={warnings.join(' ')} multiline maw={420}>
            <Badge color="orange" variant="light" ml="xs" leftSection={<TriangleAlert size={12} aria-hidden />}>
              Warning
            </Badge>
          </Tooltip>
        )}
      </Table.Td>
      <Fixed>{schemeName(storage.scheme)}</Fixed>
      {may && (
        <Table.Td visibleFrom="sm">
          <Code>{storage.url}</Code>
          {storage.scheme !== 'file' && !storage.has_credentials && !storage.url?.includes('auth=environment') && (
            <Text size="xs" c="red" mt={4}>
              It has no credentials.
            </Text>
          )}
        </Table.Td>
      )}
      <Fixed>{usedBy === undefined ? '–' : usedBy === 0 ? 'nothing' : counted(usedBy, 'mapping')}</Fixed>
    </Table.Tr>
  )
}
