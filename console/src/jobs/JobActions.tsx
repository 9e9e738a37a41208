import { ActionIcon, Button, Menu } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { CopyPlus, EllipsisVertical, Play, Power, PowerOff, Trash2 } from 'lucide-react'
import { Link, useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Confirm } from '../ui/Confirm'
import { useEnable, useRun } from './useJob'

/** What can be done with a job. */
export function JobActions({ job }: { job: schemas['Job'] }) {
  const navigate = useNavigate()
  const [asking, { open, close }] = useDisclosure()
  const run = useRun()
  const enable = useEnable()
  const remove = useAction({
    run: () => read(api.DELETE('/api/jobs/{id}', { params: { path: { id: job.id } } })),
    changes: [['jobs'], ['overview']],
    gone: () => job.id,
    done: `Deleted “${job.name}”`,
    onDone: () => void navigate('/jobs'),
  })
  return (
    <>
      {job.enabled ? (
        <Button leftSection={<Play size={16} aria-hidden />} loading={run.isPending} onClick={() => run.mutate(job)}>
          Run now
        </Button>
      ) : (
        <Button
          variant="default"
          leftSection={<Power size={16} aria-hidden />}
          loading={enable.isPending}
          onClick={() => enable.mutate({ job, enabled: true })}
        >
          Enable
        </Button>
      )}
      <Menu position="bottom-end">
        <Menu.Target>
          <ActionIcon variant="default" size={36} aria-label="More actions">
            <EllipsisVertical size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          {job.enabled && (
            <Menu.Item
              leftSection={<PowerOff size={14} aria-hidden />}
              onClick={() => enable.mutate({ job, enabled: false })}
            >
              Disable
            </Menu.Item>
          )}
          <Menu.Item component={Link} to={`/jobs/new?from=${job.id}`} leftSection={<CopyPlus size={14} aria-hidden />}>
            Duplicate
          </Menu.Item>
          <Menu.Divider />
          <Menu.Item color="red" leftSection={<Trash2 size={14} aria-hidden />} onClick={open}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <Confirm
        opened={asking}
        onClose={close}
        title="Delete this job?"
        action="Delete the job"
        typed={job.name}
        busy={remove.isPending}
        onConfirm={() => remove.mutate()}
      >
        It will not run again, and its schedules are gone. What its executions did stays to be seen.
      </Confirm>
    </>
  )
}
