import { Button, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Ban, Pause, Play, RotateCcw } from 'lucide-react'
import { useNavigate } from 'react-router'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import { useMay } from '../auth/session'
import { Confirm } from '../ui/Confirm'
import { type Execution, isOver } from './useExecution'

/** What an operator can do with an execution where it is. */
export function Actions({ execution }: { execution: Execution }) {
  const may = useMay('operator')
  const navigate = useNavigate()
  const [asking, { open, close }] = useDisclosure()
  const params = { path: { id: execution.id } }
  const changes = [['executions'], ['overview']]

  const pause = useAction({
    run: () => read(api.POST('/api/executions/{id}/pause', { params })),
    changes,
    done: 'It pauses. What has arrived is kept.',
  })
  const resume = useAction({
    run: () => read(api.POST('/api/executions/{id}/resume', { params })),
    changes,
    done: 'It goes on.',
  })
  const cancel = useAction({
    run: () => read(api.POST('/api/executions/{id}/cancel', { params })),
    changes,
    done: 'It is being cancelled.',
    onDone: close,
  })
  const again = useAction({
    run: () => runAgain(execution),
    changes,
    done: 'A new execution has been started.',
    onDone: ({ id }) => void navigate(`/executions/${id}`),
  })

  if (!may) return null
  if (isOver(execution.state)) {
    return (
      <Button
        size="xs"
        variant={execution.state === 'failed' ? 'filled' : 'default'}
        leftSection={<RotateCcw size={14} aria-hidden />}
        onClick={() => again.mutate()}
        loading={again.isPending}
      >
        Run again
      </Button>
    )
  }
  return (
    <>
      {execution.state === 'paused' ? (
        <Button
          size="xs"
          leftSection={<Play size={14} aria-hidden />}
          onClick={() => resume.mutate()}
          loading={resume.isPending}
        >
          Resume
        </Button>
      ) : (
        <Button
          size="xs"
          variant="default"
          leftSection={<Pause size={14} aria-hidden />}
          onClick={() => pause.mutate()}
          loading={pause.isPending}
        >
          Pause
        </Button>
      )}
      <Button size="xs" variant="light" color="red" leftSection={<Ban size={14} aria-hidden />} onClick={open}>
        Cancel execution
      </Button>
      <Confirm
        opened={asking}
        onClose={close}
        title="Cancel this execution?"
        action="Cancel execution"
        dismiss="Keep it"
        busy={cancel.isPending}
        onConfirm={() => cancel.mutate()}
      >
        <Text size="sm">
          What has been moved until now stays where it is. A file that is on its way is given up, and the execution
          can’t be resumed.{execution.state !== 'paused' && ' To go on later, pause it instead.'}
        </Text>
      </Confirm>
    </>
  )
}

function runAgain({ job_id, mapping_id }: Execution): Promise<Execution> {
  if (job_id) return read(api.POST('/api/jobs/{id}/run', { params: { path: { id: job_id } } }))
  return read(api.POST('/api/folder-mappings/{id}/run', { params: { path: { id: mapping_id ?? '' } } }))
}
