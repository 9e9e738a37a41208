import { ActionIcon, Button, Menu, Text } from '@mantine/core'
import { Copy, EllipsisVertical, Power, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Confirm } from '../ui/Confirm'
import { Problem } from '../ui/Problem'

/** What can be done with a whole connection. */
export function ConnectionActions({ connection }: { connection: schemas['Connection'] }) {
  const navigate = useNavigate()
  const [deleting, setDeleting] = useState(false)
  const { id, name } = connection
  const disabled = connection.status === 'disabled'
  const params = { path: { id } }
  const turn = useAction({
    run: (status: schemas['ConnectionStatus']) =>
      read(api.PATCH('/api/connections/{id}', { params, body: { status } })),
    changes: [['connections'], ['overview']],
    done: (saved) => (saved.status === 'active' ? `${name} may be used again.` : `${name} is disabled.`),
  })
  const remove = useAction({
    run: () => read(api.DELETE('/api/connections/{id}', { params })),
    changes: [['connections'], ['folder-mappings'], ['overview']],
    gone: () => id,
    done: `${name} is deleted.`,
    onDone: () => void navigate('/connections', { replace: true }),
    quiet: true,
  })
  return (
    <>
      {disabled && (
        <Button
          variant="light"
          leftSection={<Power size={16} aria-hidden />}
          onClick={() => turn.mutate('active')}
          loading={turn.isPending}
        >
          Enable
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size="lg" aria-label="More actions">
            <EllipsisVertical size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {!disabled && (
            <Menu.Item leftSection={<Power size={14} />} onClick={() => turn.mutate('disabled')}>
              Disable
            </Menu.Item>
          )}
          <Menu.Item leftSection={<Copy size={14} />} onClick={() => void navigate(`/connections/new?from=${id}`)}>
            Duplicate
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color="red" leftSection={<Trash2 size={14} />} onClick={() => setDeleting(true)}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Confirm
        opened={deleting}
        onClose={() => {
          setDeleting(false)
          remove.reset()
        }}
        title="Delete this connection"
        action="Delete"
        typed={name}
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        <Text size="sm" mb="xs">
          Its secrets, its trusted host keys and the memory of what was pulled go with it. The audit log stays. This
          can’t be undone. While a job or a folder mapping uses it, it can’t be deleted.
        </Text>
        {remove.error && <Problem error={remove.error} />}
      </Confirm>
    </>
  )
}
