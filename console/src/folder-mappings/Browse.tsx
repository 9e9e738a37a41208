import { Alert, Button, Group, Modal, Stack, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { RefreshCw } from 'lucide-react'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { api, read } from '../api/client'
import type { schemas } from '../api/types'
import { counted } from '../ui/format'
import { Loading } from '../ui/Loading'
import { Problem } from '../ui/Problem'
import { FileList } from './FileList'
import { PathCrumbs } from './PathCrumbs'
import { parent } from './paths'

type Props = {
  connectionId: string
  /** What is looked for. */
  pick: 'folder' | 'file'
  /** Where to begin: a folder, or a file's path. Without one at the top. */
  start?: string
  opened: boolean
  onClose: () => void
  onPick: (path: string) => void
}

/** The most rows that are drawn; the others are found by their name. */
const ROWS = 500

/** Looks around on a connection's server, and picks a folder or a file there. */
export function Browse(props: Props) {
  const title = props.pick === 'folder' ? 'Choose a folder' : 'Choose a file'
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={title} size="lg">
      {props.opened && <Looking {...props} />}
    </Modal>
  )
}

function Looking({ connectionId, pick, start, onClose, onPick }: Props) {
  const connection = useQuery({
    queryKey: ['connections', connectionId],
    queryFn: () => read(api.GET('/api/connections/{id}', { params: { path: { id: connectionId } } })),
  })
  if (connection.error && !connection.data)
    return <Problem error={connection.error} retry={() => void connection.refetch()} />
  if (!connection.data) return <Loading />
  // Below a base path everything has one name, which begins with a slash.
  const top = connection.data.base_path || connection.data.protocol === 'local' ? '/' : ''
  const first = pick === 'file' && start ? parent(start) : start
  return <Around {...{ connectionId, pick, onClose, onPick, top }} first={first || top} />
}

type AroundProps = Omit<Props, 'opened' | 'start'> & { top: string; first: string }

function Around({ first, top, ...rest }: AroundProps) {
  const [path, setPath] = useState(first)
  const other = path.startsWith('/') ? { path: '', label: 'Go to login folder' } : { path: '/', label: 'Go to /' }
  return (
    <Stack gap="sm">
      <Group justify="space-between" wrap="nowrap" align="flex-start">
        <PathCrumbs path={path} onGo={setPath} />
        {top === '' && (
          <Button size="compact-sm" variant="subtle" onClick={() => setPath(other.path)}>
            {other.label}
          </Button>
        )}
      </Group>
      <Folder key={path} path={path} onGo={setPath} top={top} {...rest} />
    </Stack>
  )
}

type FolderProps = Omit<AroundProps, 'first'> & { path: string; onGo: (path: string) => void }

function Folder({ connectionId, pick, onClose, onPick, top, path, onGo }: FolderProps) {
  const [search, setSearch] = useState('')
  const list = useRef<HTMLTableElement>(null)
  const input = useRef<HTMLInputElement>(null)
  // Not among what the server's events read again: each look opens a session at the partner.
  const files = useQuery({
    queryKey: ['files', connectionId, path],
    queryFn: () =>
      read(
        api.GET('/api/connections/{id}/files', {
          params: { path: { id: connectionId }, query: path ? { path } : {} },
        }),
      ),
    staleTime: 60_000,
    refetchOnWindowFocus: false,
  })
  const shown = matching(files.data?.items ?? [], search)
  const up = parent(path)

  // In each folder anew, so that the keyboard alone is enough.
  useEffect(() => input.current?.focus(), [])

  const open = (entry: schemas['FileEntry']) => {
    if (entry.is_directory) onGo(entry.path)
    else if (pick === 'file') onPick(entry.path)
  }

  const keys = (event: KeyboardEvent<HTMLInputElement>) => {
    const [only] = shown
    if (event.key === 'ArrowDown') list.current?.querySelector('button')?.focus()
    else if (event.key === 'Enter' && only && search) open(only)
    else if (event.key === 'Backspace' && search === '' && up !== undefined) onGo(up)
    else return
    event.preventDefault()
  }

  return (
    <>
      <Group gap="xs" wrap="nowrap" align="flex-end">
        <TextInput
          ref={input}
          flex={1}
          label="Find in this folder"
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          onKeyDown={keys}
          autoComplete="off"
          spellCheck={false}
          data-autofocus
        />
        <Button
          variant="default"
          leftSection={<RefreshCw size={16} aria-hidden />}
          loading={files.isFetching}
          onClick={() => void files.refetch()}
        >
          Look again
        </Button>
      </Group>
      {files.error ? (
        <Problem error={files.error} retry={path === top ? undefined : () => onGo(top)} />
      ) : files.data ? (
        <FileList
          ref={list}
          entries={shown.slice(0, ROWS)}
          pick={pick}
          up={up}
          onUp={() => up !== undefined && onGo(up)}
          onOpen={open}
          empty={search ? 'Nothing here has that in its name.' : 'This folder is empty.'}
        />
      ) : (
        <Loading />
      )}
      {shown.length > ROWS && (
        <Alert color="gray">
          {counted(shown.length, 'entry', 'entries')}; the first {ROWS} are shown. Type a part of the name to find
          others.
        </Alert>
      )}
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        {pick === 'folder' && (
          <Button disabled={!files.data} onClick={() => onPick(path || '.')}>
            Choose this folder
          </Button>
        )}
      </Group>
    </>
  )
}

/** Folders first, then by name. */
function matching(entries: schemas['FileEntry'][], search: string): schemas['FileEntry'][] {
  const wanted = search.trim().toLowerCase()
  return entries
    .filter((entry) => entry.name.toLowerCase().includes(wanted))
    .sort((a, b) => Number(b.is_directory) - Number(a.is_directory) || a.name.localeCompare(b.name))
}
