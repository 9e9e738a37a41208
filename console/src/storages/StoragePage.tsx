import { Alert, Anchor, Badge, Box, Button, List, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Trash2, TriangleAlert } from 'lucide-react'
import { Link, useNavigate, useParams } from 'react-router'
import { api, read } from '../api/client'
import { nameOf, useConnections, useMappings } from '../api/lists'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { useMay } from '../auth/session'
import { ChangedMeanwhile } from '../ui/ChangedMeanwhile'
import { Confirm } from '../ui/Confirm'
import { counted } from '../ui/format'
import { Loading } from '../ui/Loading'
import { Page } from '../ui/Page'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { byUpdate, useBegun } from '../ui/useBegun'
import { schemeName } from './place'
import { StorageForm } from './StorageForm'

const up = { to: '/storages', label: 'Destinations' }

/** A storage: what it is, who uses it, and for admins the form that changes it; `new` makes one. */
export default function StoragePage() {
  const { id = '' } = useParams()
  return id === 'new' ? <New /> : <Saved key={id} id={id} />
}

function New() {
  const navigate = useNavigate()
  const may = useMay('admin')
  return (
    <Page title="New destination" up={up} about="A folder, or a bucket or container of a store, where pulled files go.">
      {may ? (
        <StorageForm onSaved={(storage) => void navigate(`/storages/${storage.id}`, { replace: true })} />
      ) : (
        <Text size="sm">Only admins make destinations.</Text>
      )}
    </Page>
  )
}

function Saved({ id }: { id: string }) {
  const query = useQuery({
    queryKey: ['storages', id],
    queryFn: () => read(api.GET('/api/storages/{id}', { params: { path: { id } } })),
  })
  if (query.data) return <Known storage={query.data} />
  return (
    <Page title="Destination" up={up}>
      {query.error ? <Problem error={query.error} retry={() => void query.refetch()} /> : <Loading />}
    </Page>
  )
}

function Known({ storage }: { storage: schemas['Storage'] }) {
  const { begun, setBegun, newer } = useBegun(storage, byUpdate)
  const may = useMay('admin')
  return (
    <Page
      title={storage.name}
      up={up}
      marks={<Badge variant="light">{schemeName(storage.scheme)}</Badge>}
      actions={may && <Delete storage={storage} />}
    >
      {(storage.warnings ?? []).map((warning) => (
        <Alert key={warning} color="orange" icon={<TriangleAlert size={18} aria-hidden />}>
          {warning.charAt(0).toUpperCase() + warning.slice(1)}.
        </Alert>
      ))}
      {newer && <ChangedMeanwhile onDrop={() => setBegun(newer)} />}
      {may ? (
        <StorageForm key={begun.updated_at} storage={begun} onSaved={setBegun} />
      ) : (
        <Text size="sm">Admins see where it is, and change it.</Text>
      )}
      <Box maw={760}>
        <Section title="Used by">
          <Users id={storage.id} />
        </Section>
      </Box>
    </Page>
  )
}

/** The folder mappings whose files go there. */
function Users({ id }: { id: string }) {
  const mappings = useMappings()
  const connections = useConnections()
  const users = (mappings.data ?? []).filter((mapping) => mapping.storage_id === id)
  if (!mappings.data) return <Loading />
  if (users.length === 0) return <Text size="sm">No folder mapping uses it.</Text>
  return (
    <List size="sm">
      {users.map((mapping) => (
        <List.Item key={mapping.id}>
          <Anchor component={Link} to={`/connections/${mapping.connection_id}/folders?mapping=${mapping.id}`} inherit>
            {mapping.name}
          </Anchor>{' '}
          of {nameOf(connections.data, mapping.connection_id) ?? 'a connection'}
        </List.Item>
      ))}
    </List>
  )
}

function Delete({ storage }: { storage: schemas['Storage'] }) {
  const navigate = useNavigate()
  const mappings = useMappings()
  const [opened, { open, close }] = useDisclosure()
  const users = (mappings.data ?? []).filter((mapping) => mapping.storage_id === storage.id).length
  const remove = useAction({
    run: () => read(api.DELETE('/api/storages/{id}', { params: { path: { id: storage.id } } })),
    changes: [['storages']],
    gone: () => storage.id,
    done: `${storage.name} is deleted`,
    onDone: () => void navigate('/storages'),
  })
  return (
    <>
      <Button
        variant="light"
        color="red"
        size="xs"
        leftSection={<Trash2 size={14} aria-hidden />}
        onClick={open}
        disabled={users > 0}
        title={users > 0 ? `${counted(users, 'folder mapping uses', 'folder mappings use')} it` : undefined}
      >
        Delete
      </Button>
      <Confirm
        opened={opened}
        onClose={close}
        title={`Delete ${storage.name}?`}
        action="Delete"
        typed={storage.name}
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        The destination and its credentials are forgotten. The files that were stored there stay.
      </Confirm>
    </>
  )
}
