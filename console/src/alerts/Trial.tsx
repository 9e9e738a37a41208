import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { CircleCheck, Send, TriangleAlert } from 'lucide-react'
import { api, read } from '../api/client'
import { useAction } from '../api/query'
import type { schemas } from '../api/types'
import { Problem } from '../ui/Problem'
import { Section } from '../ui/Section'
import { duration } from '../ui/time'

/** Sends a message now and shows what the other side said. */
export function Trial({ alert }: { alert: schemas['Alert'] }) {
  const test = useAction({
    run: () => read(api.POST('/api/alerts/{id}/test', { params: { path: { id: alert.id } } })),
    changes: [['alerts', alert.id, 'deliveries']],
    quiet: true,
  })
  return (
    <Section title="Test">
      <Stack gap="sm">
        <Group gap="sm">
          <Button
            variant="default"
            leftSection={<Send size={14} aria-hidden />}
            onClick={() => test.mutate()}
            loading={test.isPending}
          >
            Send a test message
          </Button>
          <Text size="sm" c="dimmed">
            It goes out at once, also in quiet hours, as the alert was saved last.
          </Text>
        </Group>
        <div aria-live="polite">
          {test.error && <Problem error={test.error} />}
          {test.data && <Outcome trial={test.data} />}
        </div>
      </Stack>
    </Section>
  )
}

function Outcome({ trial }: { trial: schemas['AlertTrial'] }) {
  const { delivered, answer, duration_ms } = trial
  return (
    <Alert
      color={delivered ? 'green' : 'red'}
      icon={delivered ? <CircleCheck size={18} aria-hidden /> : <TriangleAlert size={18} aria-hidden />}
      title={`${delivered ? 'It arrived' : 'It did not arrive'} (${duration(duration_ms)})`}
    >
      <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {answer}
      </Text>
    </Alert>
  )
}
