import { Button } from '@mantine/core'
import { Archive, Pencil, RefreshCcw, RotateCcw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Confirm } from '../ui/Confirm'
import { counted } from '../ui/format'
import { EditKey } from './EditKey'
import { ReplaceKey } from './ReplaceKey'

const changes = [['ssh-keys'], ['connections']]

/** What can be done with a key, as buttons. */
export function KeyActions({ sshKey }: { sshKey: schemas['SshKey'] }) {
  const navigate = useNavigate()
  const [asking, setAsking] = useState<'edit' | 'replace' | 'retire' | 'delete'>()
  const close = () => setAsking(undefined)
  const path = { params: { path: { id: sshKey.id } } }
  const retire = useAction({
    run: () => read(api.POST('/api/ssh-keys/{id}/retire', path)),
    changes,
    done: 'No connection logs in with the key until it is activated again.',
    onDone: close,
  })
  const activate = useAction({
    run: () => read(api.POST('/api/ssh-keys/{id}/activate', path)),
    changes,
    done: 'Connections may log in with the key again.',
  })
  const remove = useAction({
    run: () => read(api.DELETE('/api/ssh-keys/{id}', path)),
    changes,
    gone: () => sshKey.id,
    done: `The key “${sshKey.name}” is deleted.`,
    onDone: () => void navigate('/ssh-keys'),
  })
  const uses = sshKey.used_by?.length ?? 0
  const active = sshKey.status === 'active'
  return (
    <>
      {active && uses > 0 && (
        <Button leftSection={<RefreshCcw size={16} aria-hidden />} onClick={() => setAsking('replace')}>
          Replace
        </Button>
      )}
      <Button variant="default" leftSection={<Pencil size={16} aria-hidden />} onClick={() => setAsking('edit')}>
        Edit
      </Button>
      {active ? (
        <Button
          variant="default"
          leftSection={<Archive size={16} aria-hidden />}
          loading={retire.isPending}
          onClick={() => (uses > 0 ? setAsking('retire') : retire.mutate())}
        >
          Retire
        </Button>
      ) : (
        <Button
          variant="default"
          leftSection={<RotateCcw size={16} aria-hidden />}
          loading={activate.isPending}
          onClick={() => activate.mutate()}
        >
          Activate
        </Button>
      )}
      {uses === 0 && (
        <Button
          variant="subtle"
          color="red"
          leftSection={<Trash2 size={16} aria-hidden />}
          onClick={() => setAsking('delete')}
        >
          Delete
        </Button>
      )}
      <EditKey sshKey={sshKey} opened={asking === 'edit'} onClose={close} />
      <ReplaceKey sshKey={sshKey} opened={asking === 'replace'} onClose={close} />
      <Confirm
        opened={asking === 'retire'}
        onClose={close}
        title="Retire the key?"
        typed={sshKey.name}
        action="Retire"
        busy={retire.isPending}
        onConfirm={() => retire.mutate()}
      >
        {counted(uses, 'connection')} can’t log in with it from now on, and those that have no other key can’t log in at
        all. It is kept, and can be activated again. To put another key in its place without a failed login, replace it.
      </Confirm>
      <Confirm
        opened={asking === 'delete'}
        onClose={close}
        title="Delete the key?"
        typed={sshKey.name}
        action="Delete"
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        Its private half is erased and can’t be had back. Servers where its public line is installed keep that line:
        have it removed there, too.
      </Confirm>
    </>
  )
}
