import { Button, Stack } from '@mantine/core'
import { FolderPlus } from 'lucide-react'
import { Link, useSearchParams } from 'react-router'
import type { schemas } from '../api/types'
import { Only, useMay } from '../auth/session'
import { Empty } from '../ui/Empty'
import { protocolName } from '../ui/format'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { AllFolders } from './AllFolders'
import { MappingEditor } from './MappingEditor'
import { MappingTable } from './MappingTable'
import { MappingView } from './MappingView'
import { useMappingsOf } from './useMappingsOf'

/** The folders that are pulled from a connection: all of them, one, or the form of one. */
export default function FoldersTab({ connection }: { connection: schemas['Connection'] }) {
  const [params] = useSearchParams()
  const may = useMay('operator')
  const id = params.get('mapping')
  if (connection.protocol === 'azure_function') {
    return (
      <Section>
        <Empty title="No folders here">
          {protocolName(connection.protocol)} has no files to pull. Its functions are called by jobs.
        </Empty>
      </Section>
    )
  }
  if (id === 'new' && may) {
    return (
      <Stack gap="md">
        <AllFolders connection={connection} />
        <MappingEditor connection={connection} />
      </Stack>
    )
  }
  // A form of its own for each, also where the address changes from one to the other.
  return id && id !== 'new' ? (
    <MappingView key={id} id={id} connection={connection} edit={params.get('do') === 'edit'} />
  ) : (
    <Mappings connection={connection} />
  )
}

function Mappings({ connection }: { connection: schemas['Connection'] }) {
  const mappings = useMappingsOf(connection.id)
  if (mappings.error && !mappings.data) return <Problem error={mappings.error} retry={() => void mappings.refetch()} />
  if (!mappings.data) return <Loading />
  const add = (
    <Only role="operator">
      <Button component={Link} to="?mapping=new" leftSection={<FolderPlus size={16} aria-hidden />}>
        Map a folder
      </Button>
    </Only>
  )
  if (mappings.data.length === 0) {
    return (
      <Section>
        <Empty title="No folder is mapped" action={add}>
          Map a folder of the server, and each file that is put there arrives at a destination once, without a job.
        </Empty>
      </Section>
    )
  }
  return (
    <Stack gap="md">
      <Section
        title="Mapped folders"
        about="Each file that is put into one of them is pulled once."
        actions={add}
        flush
      >
        <MappingTable mappings={mappings.data} />
      </Section>
    </Stack>
  )
}
